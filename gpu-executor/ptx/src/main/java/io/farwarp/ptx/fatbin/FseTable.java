package io.farwarp.ptx.fatbin;

import java.util.Arrays;

/**
 * A table of Zstandard's finite state entropy coder: for each state its symbol and what follows.
 */
final class FseTable {
  final int log;
  private final byte[] symbols;
  private final byte[] bits;
  private final int[] bases;

  private FseTable(int log) {
    this.log = log;
    symbols = new byte[1 << log];
    bits = new byte[1 << log];
    bases = new int[1 << log];
  }

  /** A table whose only symbol takes no bits. */
  static FseTable single(int symbol) {
    FseTable table = new FseTable(0);
    table.symbols[0] = (byte) symbol;
    return table;
  }

  /** The table of a distribution; a share of -1 stands for less than one state. */
  static FseTable of(int[] shares, int log) throws DamagedException {
    FseTable table = new FseTable(log);
    int size = 1 << log;
    int[] next = new int[shares.length];
    int high = size;
    for (int symbol = 0; symbol < shares.length; symbol++) {
      if (shares[symbol] == -1) {
        table.symbols[--high] = (byte) symbol;
        next[symbol] = 1;
      }
    }
    int step = (size >> 1) + (size >> 3) + 3;
    int at = 0;
    for (int symbol = 0; symbol < shares.length; symbol++) {
      if (shares[symbol] > 0) {
        next[symbol] = shares[symbol];
      }
      for (int i = 0; i < shares[symbol]; i++) {
        table.symbols[at] = (byte) symbol;
        do {
          at = (at + step) & (size - 1);
        } while (at >= high);
      }
    }
    if (at != 0) {
      throw new DamagedException("a distribution does not fill its table");
    }
    for (int state = 0; state < size; state++) {
      int number = next[table.symbols[state]]++;
      int length = log - (31 - Integer.numberOfLeadingZeros(number));
      table.bits[state] = (byte) length;
      table.bases[state] = (number << length) - size;
    }
    return table;
  }

  /** A table and where its description ends. */
  record Described(FseTable table, int end) {}

  /** Reads the description of a table. */
  static Described read(byte[] in, int start, int end, int maxLog, int maxSymbol)
      throws DamagedException {
    ForwardBits stream = new ForwardBits(in, start, end);
    int log = stream.read(4) + 5;
    if (log > maxLog) {
      throw new DamagedException("a table of 2^" + log + " states; the limit is 2^" + maxLog);
    }
    int[] shares = new int[maxSymbol + 1];
    int symbol = 0;
    int remaining = 1 << log;
    while (remaining > 0) {
      if (symbol > maxSymbol) {
        throw new DamagedException("a table has symbols above " + maxSymbol);
      }
      int width = 32 - Integer.numberOfLeadingZeros(remaining + 1);
      int value = stream.peek(width);
      int lower = value & ((1 << (width - 1)) - 1);
      int threshold = (1 << width) - 2 - remaining;
      if (lower < threshold) {
        stream.skip(width - 1);
        value = lower;
      } else {
        stream.skip(width);
        value = value >= 1 << (width - 1) ? value - threshold : value;
      }
      shares[symbol++] = value - 1;
      remaining -= Math.abs(value - 1);
      if (value == 1) {
        int zeros;
        do {
          zeros = stream.read(2);
          symbol += zeros;
        } while (zeros == 3);
      }
    }
    if (remaining != 0 || symbol > maxSymbol + 1) {
      throw new DamagedException("a distribution does not add up");
    }
    return new Described(of(Arrays.copyOf(shares, symbol), log), stream.nextByte());
  }

  int symbol(int state) {
    return symbols[state] & 0xFF;
  }

  int next(int state, BackwardBits stream) {
    return bases[state] + (int) stream.read(bits[state]);
  }

  /** Bits from the start of a range of bytes to its end, lowest first. */
  private static final class ForwardBits {
    private final byte[] bytes;
    private final int end;
    private long bit;

    ForwardBits(byte[] bytes, int start, int end) {
      this.bytes = bytes;
      this.end = end;
      bit = 8L * start;
    }

    int peek(int count) {
      int value = 0;
      for (int i = 0; i < count; i++) {
        long at = bit + i;
        int index = (int) (at >> 3);
        if (index < end) {
          value |= ((bytes[index] >> (at & 7)) & 1) << i;
        }
      }
      return value;
    }

    void skip(int count) throws DamagedException {
      bit += count;
      if (bit > 8L * end) {
        throw new DamagedException("a table's description is cut off");
      }
    }

    int read(int count) throws DamagedException {
      int value = peek(count);
      skip(count);
      return value;
    }

    int nextByte() {
      return (int) ((bit + 7) >> 3);
    }
  }
}
