package io.farwarp.ptx.runtime;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What kernels of a module get from {@code malloc}: pieces of one range of native memory, the first
 * that is large enough. They last over launches, until they are freed or the module is closed. Any
 * thread may call.
 */
public final class DeviceHeap {
  /** CUDA's size, unless a program asks for another. */
  public static final int DEFAULT_BYTES = 8 << 20;

  /** As of CUDA's {@code malloc}. */
  private static final int ALIGN = 16;

  private final long base;

  /** Sizes of the free pieces by offset; no two of them touch. */
  private final TreeMap<Long, Long> free = new TreeMap<>();

  private final Map<Long, Long> used = new HashMap<>();

  /** A heap over memory that starts aligned to 16 bytes; it may be empty. */
  public DeviceHeap(MemorySegment memory) {
    base = memory.address();
    if (memory.byteSize() > 0) {
      free.put(0L, memory.byteSize());
    }
  }

  /** The address of so many bytes, or 0 if there are not so many left in one piece. */
  synchronized long allocate(long sizeBytes) {
    if (sizeBytes <= 0 || sizeBytes > Long.MAX_VALUE - ALIGN) {
      return 0;
    }
    long size = sizeBytes + ALIGN - 1 & -ALIGN;
    Map.Entry<Long, Long> piece = firstOfAtLeast(size);
    if (piece == null) {
      return 0;
    }
    long offset = piece.getKey();
    long rest = piece.getValue() - size;
    free.remove(offset);
    if (rest > 0) {
      free.put(offset + size, rest);
    }
    used.put(offset, size);
    return base + offset;
  }

  private Map.@Nullable Entry<Long, Long> firstOfAtLeast(long size) {
    for (Map.Entry<Long, Long> piece : free.entrySet()) {
      if (piece.getValue() >= size) {
        return piece;
      }
    }
    return null;
  }

  /** Takes a piece back; false if the address is not that of one. */
  synchronized boolean release(long address) {
    long offset = address - base;
    Long size = used.remove(offset);
    if (size == null) {
      return false;
    }
    long start = offset;
    long end = offset + size;
    Long behind = free.remove(end);
    end += behind == null ? 0 : behind;
    Map.Entry<Long, Long> before = free.lowerEntry(offset);
    if (before != null && before.getKey() + before.getValue() == offset) {
      start = before.getKey();
    }
    free.put(start, end - start);
    return true;
  }
}
