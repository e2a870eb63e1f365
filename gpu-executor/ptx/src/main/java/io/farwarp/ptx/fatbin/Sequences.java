package io.farwarp.ptx.fatbin;

import org.jspecify.annotations.Nullable;

/** The sequences of Zstandard's blocks: literals to copy, then a match further back to repeat. */
final class Sequences {
  private static final int[] LITERAL_SHARES = {
    4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1,
    -1, -1, -1, -1
  };
  private static final int[] MATCH_SHARES = {
    1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1
  };
  private static final int[] OFFSET_SHARES = {
    1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1
  };

  /** Extra bits of the codes for lengths from the first that has any; others have none. */
  private static final int[] LITERAL_BITS = {
    1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
  };

  private static final int[] MATCH_BITS = {
    1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
  };
  private static final int FIRST_LITERAL_CODE = 16;
  private static final int FIRST_MATCH_CODE = 32;
  private static final int LEAST_MATCH = 3;
  private static final int MAX_LOG = 9;
  private static final int MAX_OFFSET_LOG = 8;
  private static final int MAX_OFFSET_CODE = 31;

  private @Nullable FseTable literalTable;
  private @Nullable FseTable offsetTable;
  private @Nullable FseTable matchTable;
  private final long[] recent = {1, 4, 8};
  private int at;

  /** Writes a block to {@code out} from {@code written} on; gives where it ends. */
  int run(byte[] in, int start, int end, byte[] literals, int literalCount, byte[] out, int written)
      throws DamagedException {
    at = start;
    int count = count(in);
    int used = 0;
    int to = written;
    if (count > 0) {
      int modes = in[at++] & 0xFF;
      FseTable ll = table(in, end, modes >> 6, LITERAL_SHARES, 6, MAX_LOG, 35, literalTable);
      FseTable of =
          table(
              in,
              end,
              (modes >> 4) & 3,
              OFFSET_SHARES,
              5,
              MAX_OFFSET_LOG,
              MAX_OFFSET_CODE,
              offsetTable);
      FseTable ml = table(in, end, (modes >> 2) & 3, MATCH_SHARES, 6, MAX_LOG, 52, matchTable);
      literalTable = ll;
      offsetTable = of;
      matchTable = ml;
      BackwardBits stream = new BackwardBits(in, at, end);
      int literalState = (int) stream.read(ll.log);
      int offsetState = (int) stream.read(of.log);
      int matchState = (int) stream.read(ml.log);
      for (int i = 0; i < count; i++) {
        int code = of.symbol(offsetState);
        long value = (1L << code) + stream.read(code);
        int match =
            length(ml.symbol(matchState), FIRST_MATCH_CODE, LEAST_MATCH, MATCH_BITS, stream);
        int plain = length(ll.symbol(literalState), FIRST_LITERAL_CODE, 0, LITERAL_BITS, stream);
        if (i + 1 < count) {
          literalState = ll.next(literalState, stream);
          matchState = ml.next(matchState, stream);
          offsetState = of.next(offsetState, stream);
        }
        if (plain > literalCount - used) {
          throw new DamagedException("a block has fewer literals than its sequences copy");
        }
        System.arraycopy(literals, used, out, to, plain);
        used += plain;
        to = repeat(out, to + plain, offset(value, plain == 0), match);
      }
      if (stream.left() != 0) {
        throw new DamagedException("the sequences of a block do not end where they should");
      }
    }
    System.arraycopy(literals, used, out, to, literalCount - used);
    return to + literalCount - used;
  }

  private int count(byte[] in) {
    int first = in[at++] & 0xFF;
    if (first < 128) {
      return first;
    }
    int second = in[at++] & 0xFF;
    if (first < 255) {
      return ((first - 128) << 8) + second;
    }
    return second + ((in[at++] & 0xFF) << 8) + 0x7F00;
  }

  private FseTable table(
      byte[] in,
      int end,
      int mode,
      int[] shares,
      int log,
      int maxLog,
      int maxSymbol,
      @Nullable FseTable before)
      throws DamagedException {
    return switch (mode) {
      case 0 -> FseTable.of(shares, log);
      case 1 -> {
        int symbol = in[at++] & 0xFF;
        if (symbol > maxSymbol) {
          throw new DamagedException("a code of " + symbol + "; the limit is " + maxSymbol);
        }
        yield FseTable.single(symbol);
      }
      case 2 -> {
        FseTable.Described described = FseTable.read(in, at, end, maxLog, maxSymbol);
        at = described.end();
        yield described.table();
      }
      default -> {
        if (before == null) {
          throw new DamagedException("a block repeats a table that there is not");
        }
        yield before;
      }
    };
  }

  private static int length(int code, int first, int least, int[] extra, BackwardBits stream) {
    if (code < first) {
      return code + least;
    }
    int base = first + least;
    for (int i = first; i < code; i++) {
      base += 1 << extra[i - first];
    }
    return base + (int) stream.read(extra[code - first]);
  }

  /** An offset, or one of the three latest ones. */
  private long offset(long value, boolean noLiterals) throws DamagedException {
    if (value > 3) {
      recent[2] = recent[1];
      recent[1] = recent[0];
      recent[0] = value - 3;
      return recent[0];
    }
    int index = (int) value - (noLiterals ? 0 : 1);
    long offset = index == 3 ? recent[0] - 1 : recent[index];
    if (offset <= 0) {
      throw new DamagedException("a match of offset " + offset);
    }
    if (index > 1) {
      recent[2] = recent[1];
    }
    if (index > 0) {
      recent[1] = recent[0];
    }
    recent[0] = offset;
    return offset;
  }

  private static int repeat(byte[] out, int to, long offset, int length) throws DamagedException {
    if (offset > to) {
      throw new DamagedException("a match reaches before the start");
    }
    int from = to - (int) offset;
    for (int i = 0; i < length; i++) {
      out[to + i] = out[from + i];
    }
    return to + length;
  }
}
