package io.farwarp.rdma;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.farwarp.rdma.linux.SharedMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Both ends of one connection inside this process, each with what it has received. */
final class Connection implements AutoCloseable {
  static final long TIMEOUT_NS = TimeUnit.SECONDS.toNanos(20);

  final SharedMemory window;
  final RecordingAdmission admission;
  final Listener listener;
  final QueuePair connector;
  final QueuePair acceptor;
  final RecordingHandler atConnector = new RecordingHandler();
  final RecordingHandler atAcceptor = new RecordingHandler();

  Connection(Transport transport, String address, long windowBytes) throws Exception {
    window = SharedMemory.create("test-window", windowBytes);
    admission =
        new RecordingAdmission(
            new ExposedMemory(window.segment(), OptionalInt.of(window.descriptor())));
    listener = transport.listen(address, admission);
    listener.start();
    connector = transport.connect(listener.address(), challenge -> challenge, TIMEOUT_NS);
    acceptor = admission.nextConnected();
  }

  static void post(QueuePair from, String text) {
    MemorySegment place = from.claimMessage();
    if (place == null) {
      throw new AssertionError("the ring is full or the connection has ended");
    }
    byte[] bytes = text.getBytes(UTF_8);
    MemorySegment.copy(bytes, 0, place, JAVA_BYTE, 0, bytes.length);
    from.postMessage(bytes.length);
  }

  /** Polls both ends until the condition holds. */
  void pollUntil(BooleanSupplier condition) {
    pollUntil(condition, "both ends were polled");
  }

  void pollUntil(BooleanSupplier condition, String what) {
    long start = System.nanoTime();
    while (!condition.getAsBoolean()) {
      connector.poll(atConnector, 16);
      acceptor.poll(atAcceptor, 16);
      if (System.nanoTime() - start > TIMEOUT_NS) {
        throw new AssertionError("not reached in time: " + what);
      }
      Thread.onSpinWait();
    }
  }

  @Override
  public void close() throws IOException {
    connector.close();
    acceptor.close();
    listener.close();
    window.close();
  }
}
