package io.farwarp.ptx.fatbin;

/**
 * Bits read from the end of a range of bytes to its start, as Zstandard's entropy coders write
 * them. The highest one of the last byte marks where they begin.
 */
final class BackwardBits {
  private final byte[] bytes;
  private final int start;
  private long left;

  BackwardBits(byte[] bytes, int start, int end) throws DamagedException {
    if (end <= start || bytes[end - 1] == 0) {
      throw new DamagedException("a bit stream has no end mark");
    }
    this.bytes = bytes;
    this.start = start;
    left = 8L * (end - start) - 1 - (Integer.numberOfLeadingZeros(bytes[end - 1] & 0xFF) - 24);
  }

  /** Bits that are not read yet; negative when more were read than there are. */
  long left() {
    return left;
  }

  /** The next bits, at most 32, without taking them; zeros where there are no more. */
  long peek(int count) {
    long value = 0;
    long bit = left - count;
    for (int done = 0; done < count; ) {
      if (bit < 0) {
        int missing = (int) Math.min(-bit, count - done);
        done += missing;
        bit += missing;
        continue;
      }
      int within = (int) (bit & 7);
      int taken = Math.min(8 - within, count - done);
      int part = ((bytes[start + (int) (bit >> 3)] & 0xFF) >>> within) & ((1 << taken) - 1);
      value |= (long) part << done;
      done += taken;
      bit += taken;
    }
    return value;
  }

  void skip(int count) {
    left -= count;
  }

  long read(int count) {
    long value = peek(count);
    left -= count;
    return value;
  }
}
