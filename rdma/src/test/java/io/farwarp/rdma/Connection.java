package io.farwarp.rdma;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.farwarp.rdma.linux.SharedMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Both ends of one connection inside this process, each with what it has received. */
public final class Connection implements AutoCloseable {
  public static final long TIMEOUT_NS = TimeUnit.SECONDS.toNanos(60);

  public final SharedMemory window;
  public final RecordingAdmission admission;
  public final Listener listener;
  public final QueuePair connector;
  public final QueuePair acceptor;
  public final RecordingHandler atConnector = new RecordingHandler();
  public final RecordingHandler atAcceptor = new RecordingHandler();

  public Connection(TransportUnderTest provider, Path directory, long windowBytes)
      throws Exception {
    window = SharedMemory.create("test-window", windowBytes);
    provider.prepare(window);
    admission = new RecordingAdmission(exposed(window));
    listener = listen(provider, directory, admission);
    connector = provider.transport().connect(listener.address(), answer -> answer, TIMEOUT_NS);
    acceptor = admission.nextConnected();
  }

  public static ExposedMemory exposed(SharedMemory window) {
    return new ExposedMemory(window.segment(), OptionalInt.of(window.descriptor()));
  }

  public static Listener listen(TransportUnderTest provider, Path directory, Admission admission)
      throws IOException {
    String address = provider.freshAddress(Files.createTempDirectory(directory, "l"));
    Listener listener = provider.transport().listen(address, admission);
    listener.start();
    return listener;
  }

  /** Posts a message for which there must be a place. */
  public static void post(QueuePair from, String text) {
    if (!tryPost(from, text)) {
      throw new AssertionError("the ring is full or the connection has ended");
    }
  }

  public static boolean tryPost(QueuePair from, String text) {
    MemorySegment place = from.claimMessage();
    if (place == null) {
      return false;
    }
    byte[] bytes = text.getBytes(UTF_8);
    MemorySegment.copy(bytes, 0, place, JAVA_BYTE, 0, bytes.length);
    from.postMessage(bytes.length);
    return true;
  }

  /** Polls both ends until the condition holds. */
  public void pollUntil(BooleanSupplier condition) {
    long start = System.nanoTime();
    while (!condition.getAsBoolean()) {
      connector.poll(atConnector, 16);
      acceptor.poll(atAcceptor, 16);
      requireTime(start);
      Thread.onSpinWait();
    }
  }

  public static void requireTime(long startNs) {
    if (System.nanoTime() - startNs > TIMEOUT_NS) {
      throw new AssertionError("the condition did not come about in time");
    }
  }

  /** Waits for something that no call announces. */
  public static void until(BooleanSupplier condition) {
    long start = System.nanoTime();
    while (!condition.getAsBoolean()) {
      requireTime(start);
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
