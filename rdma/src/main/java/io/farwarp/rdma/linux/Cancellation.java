package io.farwarp.rdma.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;

/**
 * An eventfd(2) that ends the waits of every thread that polls it beside its own descriptor; once
 * cancelled it stays so. {@link #cancel} is for any thread; close only when nobody polls it.
 */
public final class Cancellation implements AutoCloseable {
  private static final int EFD_CLOEXEC_NONBLOCK = 0x80800;

  private static final CFunction EVENTFD = CFunction.of("eventfd", JAVA_INT, JAVA_INT, JAVA_INT);
  private static final CFunction WRITE =
      CFunction.of("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);

  private final int descriptor;

  public Cancellation() throws IOException {
    descriptor = (int) EVENTFD.call(0, EFD_CLOEXEC_NONBLOCK);
  }

  int descriptor() {
    return descriptor;
  }

  public void cancel() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      WRITE.call(descriptor, arena.allocateFrom(JAVA_LONG, 1), (long) Long.BYTES);
    }
  }

  @Override
  public void close() throws IOException {
    Libc.close(descriptor);
  }
}
