package io.farwarp.client;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * Anonymous memory whose pages come into being when they are first touched: a slab as large as a
 * window costs only what its tensors use. See mmap(2).
 */
final class LazyMemory {
  private static final int PROT_READ = 1;
  private static final int PROT_WRITE = 2;
  private static final int MAP_PRIVATE = 0x02;
  private static final int MAP_ANONYMOUS = 0x20;
  private static final int MAP_NORESERVE = 0x4000;
  private static final long MAP_FAILED = -1;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CAPTURED.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final MethodHandle MMAP =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("mmap"),
          FunctionDescriptor.of(
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG),
          Linker.Option.captureCallState("errno"));
  private static final MethodHandle MUNMAP =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("munmap"),
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

  private LazyMemory() {}

  /** {@code bytes} of zeros that live until {@code arena} is closed. */
  static MemorySegment allocate(long bytes, Arena arena) throws IOException {
    long address;
    int errno;
    try (Arena call = Arena.ofConfined()) {
      MemorySegment state = call.allocate(CAPTURED);
      address =
          (long)
              MMAP.invokeExact(
                  state,
                  0L,
                  bytes,
                  PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                  -1,
                  0L);
      errno = (int) ERRNO.get(state, 0L);
    } catch (Throwable e) {
      throw new IllegalStateException("mmap could not be called", e);
    }
    if (address == MAP_FAILED) {
      throw new IOException(
          "mmap of %d bytes failed with errno %d: raise the address space limit (ulimit -v)"
              .formatted(bytes, errno));
    }
    return MemorySegment.ofAddress(address).reinterpret(bytes, arena, LazyMemory::release);
  }

  private static void release(MemorySegment memory) {
    try {
      int _ = (int) MUNMAP.invokeExact(memory.address(), memory.byteSize());
    } catch (Throwable e) {
      throw new IllegalStateException("munmap could not be called", e);
    }
  }
}
