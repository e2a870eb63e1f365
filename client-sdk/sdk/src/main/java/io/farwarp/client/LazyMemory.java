package io.farwarp.client;

import io.farwarp.rdma.linux.ErrnoException;
import io.farwarp.rdma.linux.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Anonymous memory whose pages come into being when they are first touched: a slab as large as a
 * window costs only what its tensors use. See mmap(2).
 */
final class LazyMemory {
  private LazyMemory() {}

  /** {@code bytes} of zeros that live until {@code arena} is closed. */
  static MemorySegment allocate(long bytes, Arena arena) throws IOException {
    long address;
    try {
      address = Libc.mmapLazily(bytes);
    } catch (ErrnoException e) {
      throw new IOException(
          "no address space for %d bytes: raise its limit (ulimit -v)".formatted(bytes), e);
    }
    return MemorySegment.ofAddress(address).reinterpret(bytes, arena, LazyMemory::release);
  }

  private static void release(MemorySegment memory) {
    try {
      Libc.munmap(memory.address(), memory.byteSize());
    } catch (ErrnoException e) {
      throw new AssertionError("a mapping of our own", e);
    }
  }
}
