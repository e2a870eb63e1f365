package io.farwarp.rdma;

import java.io.IOException;

/** Main of a process that connects, says hello, and stays until it is killed or disconnected. */
final class SleepingPeer {
  private SleepingPeer() {}

  public static void main(String[] arguments) throws IOException {
    RecordingHandler received = new RecordingHandler();
    try (QueuePair queuePair =
        Transports.named(arguments[0])
            .connect(arguments[1], answer -> answer, Connection.TIMEOUT_NS)) {
      Connection.post(queuePair, "hello");
      while (received.disconnected == null) {
        if (queuePair.poll(received, 16) == 0) {
          queuePair.await(Connection.TIMEOUT_NS);
        }
      }
    }
  }
}
