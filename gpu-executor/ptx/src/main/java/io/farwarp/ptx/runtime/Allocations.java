package io.farwarp.ptx.runtime;

import java.lang.foreign.MemorySegment;

/**
 * The memory that a launch may touch: disjoint or overlapping ranges of native memory, looked up by
 * address. Changed only between runs.
 */
public final class Allocations {
  private MemorySegment[] segments = new MemorySegment[8];
  private long[] bases = new long[8];
  private long[] sizes = new long[8];
  private int count;

  public void clear() {
    count = 0;
  }

  public void add(MemorySegment segment) {
    if (count == bases.length) {
      segments = java.util.Arrays.copyOf(segments, count * 2);
      bases = java.util.Arrays.copyOf(bases, count * 2);
      sizes = java.util.Arrays.copyOf(sizes, count * 2);
    }
    segments[count] = segment;
    bases[count] = segment.address();
    sizes[count] = segment.byteSize();
    count++;
  }

  /** The index of the allocation that holds all of a range, or -1. */
  int find(long address, int sizeBytes) {
    for (int i = 0; i < count; i++) {
      long offset = address - bases[i];
      if (offset >= 0 && offset <= sizes[i] - sizeBytes) {
        return i;
      }
    }
    return -1;
  }

  MemorySegment segment(int index) {
    return segments[index];
  }
}
