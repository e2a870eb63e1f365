package io.farwarp.ptx.fatbin;

/** A prefix code for bytes, as Zstandard describes it: by the weight of each symbol. */
final class HuffmanTable {
  private static final int MAX_BITS = 11;
  private static final int MAX_WEIGHT_LOG = 6;
  private static final int MAX_SYMBOLS = 256;

  private final int bits;
  private final byte[] symbols;
  private final byte[] lengths;

  private HuffmanTable(int bits) {
    this.bits = bits;
    symbols = new byte[1 << bits];
    lengths = new byte[1 << bits];
  }

  /** A table and where its description ends. */
  record Described(HuffmanTable table, int end) {}

  static Described read(byte[] in, int start, int end) throws DamagedException {
    int[] weights = new int[MAX_SYMBOLS];
    int header = in[start] & 0xFF;
    int first = start + 1;
    int count;
    int next;
    if (header >= 128) {
      count = header - 127;
      next = first + (count + 1) / 2;
      for (int i = 0; i < count; i++) {
        int pair = in[first + i / 2] & 0xFF;
        weights[i] = (i & 1) == 0 ? pair >> 4 : pair & 15;
      }
    } else {
      next = first + header;
      if (next > end) {
        throw new DamagedException("the weights of a prefix code are cut off");
      }
      count = coded(in, first, next, weights);
    }
    return new Described(of(weights, count), next);
  }

  /** Weights that are coded themselves, by two states in turns. */
  private static int coded(byte[] in, int start, int end, int[] weights) throws DamagedException {
    FseTable.Described described = FseTable.read(in, start, end, MAX_WEIGHT_LOG, 255);
    FseTable table = described.table();
    BackwardBits stream = new BackwardBits(in, described.end(), end);
    int current = (int) stream.read(table.log);
    int other = (int) stream.read(table.log);
    int count = 0;
    while (count < MAX_SYMBOLS - 2) {
      weights[count++] = table.symbol(current);
      int following = table.next(current, stream);
      if (stream.left() < 0) {
        weights[count++] = table.symbol(other);
        return count;
      }
      current = other;
      other = following;
    }
    throw new DamagedException("a prefix code has too many symbols");
  }

  private static HuffmanTable of(int[] weights, int count) throws DamagedException {
    int sum = 0;
    for (int i = 0; i < count; i++) {
      if (weights[i] > MAX_BITS) {
        throw new DamagedException("a prefix code is longer than " + MAX_BITS + " bits");
      }
      sum += weights[i] > 0 ? 1 << (weights[i] - 1) : 0;
    }
    int bits = 32 - Integer.numberOfLeadingZeros(sum);
    int left = (1 << bits) - sum;
    if (sum == 0 || bits > MAX_BITS || Integer.bitCount(left) != 1) {
      throw new DamagedException("the weights of a prefix code do not add up");
    }
    // The last symbol's weight is what is missing.
    weights[count] = 32 - Integer.numberOfLeadingZeros(left);
    HuffmanTable table = new HuffmanTable(bits);
    int at = 0;
    for (int weight = 1; weight <= bits; weight++) {
      for (int symbol = 0; symbol <= count; symbol++) {
        for (int i = 0; weights[symbol] == weight && i < 1 << (weight - 1); i++) {
          table.symbols[at] = (byte) symbol;
          table.lengths[at++] = (byte) (bits + 1 - weight);
        }
      }
    }
    return table;
  }

  /** Decodes so many symbols, which must be all that the bytes hold. */
  void decode(byte[] in, int start, int end, byte[] out, int from, int count)
      throws DamagedException {
    BackwardBits stream = new BackwardBits(in, start, end);
    for (int i = from; i < from + count; i++) {
      int code = (int) stream.peek(bits);
      out[i] = symbols[code];
      stream.skip(lengths[code]);
    }
    if (stream.left() != 0) {
      throw new DamagedException("a stream of literals does not end where it should");
    }
  }
}
