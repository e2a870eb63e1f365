package io.farwarp.ptx.fatbin;

/** Reads one LZ4 block whose size is known beforehand. */
final class Lz4 {
  private static final int LEAST_MATCH = 4;

  private final byte[] in;
  private int at;

  private Lz4(byte[] in) {
    this.in = in;
  }

  static byte[] decode(byte[] block, int size) throws DamagedException {
    try {
      return new Lz4(block).decode(size);
    } catch (IndexOutOfBoundsException e) {
      throw new DamagedException("compressed data goes beyond its end");
    }
  }

  private byte[] decode(int size) throws DamagedException {
    byte[] out = new byte[size];
    int to = 0;
    while (at < in.length) {
      int token = in[at++] & 0xFF;
      int literals = length(token >> 4, size);
      System.arraycopy(in, at, out, to, literals);
      at += literals;
      to += literals;
      if (to == size) {
        return out;
      }
      int offset = (in[at] & 0xFF) | ((in[at + 1] & 0xFF) << 8);
      at += 2;
      if (offset == 0 || offset > to) {
        throw new DamagedException("a match reaches before the start");
      }
      int match = length(token & 15, size) + LEAST_MATCH;
      for (int i = 0; i < match; i++, to++) {
        out[to] = out[to - offset];
      }
    }
    if (to == size) {
      return out;
    }
    throw new DamagedException("compressed data holds " + to + " bytes, not " + size);
  }

  private int length(int start, int limit) throws DamagedException {
    int length = start;
    int more = start == 15 ? 255 : 0;
    while (more == 255) {
      more = in[at++] & 0xFF;
      length += more;
      if (length > limit) {
        throw new DamagedException("a length of more than " + limit);
      }
    }
    return length;
  }
}
