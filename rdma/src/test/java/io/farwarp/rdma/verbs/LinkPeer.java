package io.farwarp.rdma.verbs;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.farwarp.rdma.Connection;
import io.farwarp.rdma.ExposedMemory;
import io.farwarp.rdma.Listener;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.RecordingAdmission;
import io.farwarp.rdma.RecordingHandler;
import io.farwarp.rdma.linux.SharedMemory;
import java.lang.foreign.ValueLayout;
import java.util.OptionalInt;

/**
 * Main of the process on the other machine: says where it listens, and for each connection answers
 * every message with the first byte of its window until it ends.
 */
public final class LinkPeer {
  static final int WINDOW_BYTES = 1 << 20;
  static final String LISTENING = "listening on ";

  private LinkPeer() {}

  public static void main(String[] arguments) throws Exception {
    try (SharedMemory window = SharedMemory.create("link-window", WINDOW_BYTES)) {
      window.prefault();
      RecordingAdmission admission =
          new RecordingAdmission(new ExposedMemory(window.segment(), OptionalInt.empty()));
      try (Listener listener = new VerbsTransport().listen(arguments[0] + ":0", admission)) {
        listener.start();
        System.out.println(LISTENING + listener.address());
        while (true) {
          QueuePair queuePair = admission.awaitConnected();
          Thread.ofPlatform().daemon().start(() -> answer(queuePair, window));
        }
      }
    }
  }

  /** Also while another connection has not noticed yet that its peer is gone. */
  private static void answer(QueuePair queuePair, SharedMemory window) {
    RecordingHandler received = new RecordingHandler();
    int answered = 0;
    try (queuePair) {
      while (received.disconnected == null) {
        if (queuePair.poll(received, 16) == 0) {
          queuePair.await(Connection.TIMEOUT_NS);
        }
        while (answered < received.messages.size() && received.disconnected == null) {
          answered++;
          byte first = window.segment().get(ValueLayout.JAVA_BYTE, 0);
          Connection.post(queuePair, new String(new byte[] {first}, UTF_8));
        }
      }
    }
  }
}
