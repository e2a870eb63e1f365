package io.farwarp.client;

import com.google.common.collect.Range;
import com.google.common.collect.RangeSet;
import com.google.common.collect.TreeRangeSet;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Lays tensors out in one window: best fit, every range aligned to {@link
 * Wire#TENSOR_ALIGNMENT_BYTES}, freed ranges merged with their neighbours. Not thread-safe: the
 * session guards it.
 */
final class WindowAllocator {
  private final long windowBytes;
  private final RangeSet<Long> free = TreeRangeSet.create();

  /** Offset of each range that is taken, and its length with the padding behind it. */
  private final Map<Long, Long> taken = new HashMap<>();

  private long takenBytes;

  WindowAllocator(long windowBytes) {
    this.windowBytes = windowBytes;
    if (windowBytes > 0) {
      free.add(Range.closedOpen(0L, windowBytes));
    }
  }

  /**
   * Takes {@code bytes}, 1 and up.
   *
   * @return where they start in the window
   */
  long take(long bytes) {
    long padded = padded(bytes);
    @Nullable Range<Long> best = null;
    long largest = 0;
    for (Range<Long> range : free.asRanges()) {
      long length = length(range);
      largest = Math.max(largest, length);
      if (length >= padded && (best == null || length < length(best))) {
        best = range;
      }
    }
    if (best == null) {
      throw new TensorException(
          Status.RESOURCE_EXHAUSTED,
          ("the window is full: a tensor of %d bytes is wanted; of %d bytes %d are free, %d of them in"
                  + " one piece: close tensors, or lease more memory")
              .formatted(bytes, windowBytes, windowBytes - takenBytes, largest));
    }
    long offset = best.lowerEndpoint();
    free.remove(Range.closedOpen(offset, offset + padded));
    taken.put(offset, padded);
    takenBytes += padded;
    return offset;
  }

  /** Frees the range that {@link #take} returned {@code offset} for; once. */
  void free(long offset) {
    @Nullable Long padded = taken.remove(offset);
    if (padded == null) {
      throw new IllegalStateException("no tensor starts at offset " + offset + " of the window");
    }
    takenBytes -= padded;
    free.add(Range.closedOpen(offset, offset + padded));
  }

  long freeBytes() {
    return windowBytes - takenBytes;
  }

  /** Every byte is free or taken, never both; free ranges do not touch; all starts are aligned. */
  void validate() {
    RangeSet<Long> used = TreeRangeSet.create();
    taken.forEach((offset, length) -> {
      Range<Long> range = Range.closedOpen(offset, offset + length);
      check(offset % Wire.TENSOR_ALIGNMENT_BYTES == 0, "misaligned", range);
      check(!used.intersects(range), "taken twice", range);
      check(!free.intersects(range), "free and taken", range);
      used.add(range);
    });
    RangeSet<Long> all = TreeRangeSet.create(free);
    all.addAll(used);
    Range<Long> window = Range.closedOpen(0L, windowBytes);
    check(windowBytes == 0 || all.encloses(window), "lost", window);
    long sum = free.asRanges().stream().mapToLong(WindowAllocator::length).sum();
    check(sum + takenBytes == windowBytes, "miscounted", window);
  }

  private static void check(boolean holds, String what, Range<Long> range) {
    if (!holds) {
      throw new IllegalStateException(range + " of the window is " + what);
    }
  }

  private static long padded(long bytes) {
    if (bytes < 1 || bytes > Long.MAX_VALUE - Wire.TENSOR_ALIGNMENT_BYTES) {
      throw new IllegalArgumentException("a tensor of " + bytes + " bytes");
    }
    return (bytes + Wire.TENSOR_ALIGNMENT_BYTES - 1) & -Wire.TENSOR_ALIGNMENT_BYTES;
  }

  private static long length(Range<Long> range) {
    return range.upperEndpoint() - range.lowerEndpoint();
  }
}
