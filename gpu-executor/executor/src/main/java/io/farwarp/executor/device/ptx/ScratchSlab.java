package io.farwarp.executor.device.ptx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory of a stream for the scratch tensors of the invocation that runs: it grows to the largest
 * one's need and stays. Used by one thread at a time.
 */
final class ScratchSlab implements AutoCloseable {
  /** Scratch tensors start at multiples of this, as tensors do in the window. */
  static final long ALIGNMENT_BYTES = 256;

  private static final long LEAST_LIMIT_BYTES = 64L << 20;

  private final long limitBytes;
  private Arena arena = Arena.ofShared();
  private MemorySegment memory = MemorySegment.NULL;

  private ScratchSlab(long limitBytes) {
    this.limitBytes = limitBytes;
  }

  /** A lease may use as much again for scratch as its window has, and 64 MiB at least. */
  static ScratchSlab forWindow(long windowBytes) {
    return new ScratchSlab(Math.max(windowBytes, LEAST_LIMIT_BYTES));
  }

  long limitBytes() {
    return limitBytes;
  }

  /** At least {@code bytes} of memory, content undefined; at most {@link #limitBytes}. */
  @SuppressWarnings("MustBeClosedChecker") // closed when it is replaced, or with the slab
  MemorySegment ofAtLeast(long bytes) {
    if (bytes > limitBytes) {
      throw new IllegalArgumentException(bytes + " bytes of scratch; the limit is " + limitBytes);
    }
    if (memory.byteSize() < bytes) {
      arena.close();
      memory = MemorySegment.NULL;
      arena = Arena.ofShared();
      memory = arena.allocate(bytes, ALIGNMENT_BYTES);
    }
    return memory;
  }

  @Override
  public void close() {
    arena.close();
  }
}
