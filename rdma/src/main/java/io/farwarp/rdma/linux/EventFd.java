package io.farwarp.rdma.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/**
 * An eventfd(2), close-on-exec and non-blocking: readable once signalled, until somebody reads it.
 * Close it only when nobody signals or polls it.
 */
public final class EventFd implements AutoCloseable {
  private static final int EFD_CLOEXEC_NONBLOCK = 0x80800;

  private static final CFunction EVENTFD = CFunction.of("eventfd", JAVA_INT, JAVA_INT, JAVA_INT);

  // Without a change of thread state: only because the call cannot block.
  private static final MethodHandle EVENTFD_WRITE =
      CFunction.handle(
          "eventfd_write",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG),
          Linker.Option.critical(false));

  private final int descriptor;

  public EventFd() throws IOException {
    descriptor = (int) EVENTFD.call(0, EFD_CLOEXEC_NONBLOCK);
  }

  public int descriptor() {
    return descriptor;
  }

  /**
   * Any thread; allocates nothing. It fails only where 2^64 signals are pending, which is signalled
   * enough.
   */
  public void signal() {
    try {
      int _ = (int) EVENTFD_WRITE.invokeExact(descriptor, 1L);
    } catch (Throwable e) {
      throw CFunction.unexpected("eventfd_write", e);
    }
  }

  @Override
  public void close() throws IOException {
    Libc.close(descriptor);
  }
}
