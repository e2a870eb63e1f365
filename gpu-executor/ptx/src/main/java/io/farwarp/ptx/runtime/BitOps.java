package io.farwarp.ptx.runtime;

/** Shifts that clamp, bit fields, byte permutes: PTX semantics where Java's differ. */
public final class BitOps {
  private BitOps() {}

  public static int shl(int a, int amount, int bits) {
    return Integer.compareUnsigned(amount, bits) >= 0 ? 0 : a << amount;
  }

  public static long shl(long a, int amount) {
    return Integer.compareUnsigned(amount, 64) >= 0 ? 0 : a << amount;
  }

  /** {@code a} is sign-extended to 32 bits already. */
  public static int shr(int a, int amount) {
    return a >> (Integer.compareUnsigned(amount, 31) > 0 ? 31 : amount);
  }

  public static long shr(long a, int amount) {
    return a >> (Integer.compareUnsigned(amount, 63) > 0 ? 63 : amount);
  }

  /** {@code a} is zero-extended to 32 bits already. */
  public static int shrUnsigned(int a, int amount) {
    return Integer.compareUnsigned(amount, 31) > 0 ? 0 : a >>> amount;
  }

  public static long shrUnsigned(long a, int amount) {
    return Integer.compareUnsigned(amount, 63) > 0 ? 0 : a >>> amount;
  }

  private static int clamp32(int amount) {
    return Integer.compareUnsigned(amount, 32) > 0 ? 32 : amount;
  }

  /** Most significant word of {@code (high:low) << amount}. */
  public static int funnelLeftClamp(int low, int high, int amount) {
    return (int) ((join(low, high) << clamp32(amount)) >>> 32);
  }

  public static int funnelLeftWrap(int low, int high, int amount) {
    return (int) ((join(low, high) << (amount & 31)) >>> 32);
  }

  /** Least significant word of {@code (high:low) >> amount}. */
  public static int funnelRightClamp(int low, int high, int amount) {
    return (int) (join(low, high) >>> clamp32(amount));
  }

  public static int funnelRightWrap(int low, int high, int amount) {
    return (int) (join(low, high) >>> (amount & 31));
  }

  /** A 64-bit value of two words. */
  public static long join(int low, int high) {
    return ((long) high << 32) | Integer.toUnsignedLong(low);
  }

  public static int extractUnsigned(int a, int position, int length) {
    int p = position & 0xFF;
    int n = length & 0xFF;
    if (p > 31 || n == 0) {
      return 0;
    }
    int shifted = a >>> p;
    return n > 31 ? shifted : shifted & ((1 << n) - 1);
  }

  public static int extract(int a, int position, int length) {
    int p = position & 0xFF;
    int n = length & 0xFF;
    if (n == 0) {
      return 0;
    }
    // Past the top the field is filled with the sign bit of the whole word.
    int shifted = a >> Math.min(p, 31);
    return n > 31 - Math.min(p, 31) ? shifted : (shifted << (32 - n)) >> (32 - n);
  }

  public static long extractUnsigned(long a, int position, int length) {
    int p = position & 0xFF;
    int n = length & 0xFF;
    if (p > 63 || n == 0) {
      return 0;
    }
    long shifted = a >>> p;
    return n > 63 ? shifted : shifted & ((1L << n) - 1);
  }

  public static long extract(long a, int position, int length) {
    int p = position & 0xFF;
    int n = length & 0xFF;
    if (n == 0) {
      return 0;
    }
    long shifted = a >> Math.min(p, 63);
    return n > 63 - Math.min(p, 63) ? shifted : (shifted << (64 - n)) >> (64 - n);
  }

  /** Inserts the low bits of {@code a} into {@code b}. */
  public static int insert(int a, int b, int position, int length) {
    int p = position & 0xFF;
    int n = length & 0xFF;
    if (p > 31 || n == 0) {
      return b;
    }
    int mask = (n > 31 ? -1 : (1 << n) - 1) << p;
    return (b & ~mask) | ((a << p) & mask);
  }

  public static long insert(long a, long b, int position, int length) {
    int p = position & 0xFF;
    int n = length & 0xFF;
    if (p > 63 || n == 0) {
      return b;
    }
    long mask = (n > 63 ? -1L : (1L << n) - 1) << p;
    return (b & ~mask) | ((a << p) & mask);
  }

  /** Position of the highest one, or -1. */
  public static int findUnsigned(int a) {
    return 31 - Integer.numberOfLeadingZeros(a);
  }

  public static int findUnsigned(long a) {
    return 63 - Long.numberOfLeadingZeros(a);
  }

  /** Position of the highest bit that differs from the sign, or -1. */
  public static int find(int a) {
    return findUnsigned(a ^ (a >> 31));
  }

  public static int find(long a) {
    return findUnsigned(a ^ (a >> 63));
  }

  /** The shift that brings the bit found to the top; -1 stays. */
  public static int shiftAmount(int found, int top) {
    return found < 0 ? -1 : top - found;
  }

  public static int permute(int a, int b, int selector) {
    long bytes = join(a, b);
    int result = 0;
    for (int i = 0; i < 4; i++) {
      int control = selector >>> (4 * i);
      int value = (int) (bytes >>> ((control & 7) * 8)) & 0xFF;
      if ((control & 8) != 0) {
        value = (byte) value < 0 ? 0xFF : 0;
      }
      result |= value << (8 * i);
    }
    return result;
  }

  /** The selector that a special mode of {@code prmt} stands for. */
  public static int permuteSelector(String mode, int selector) {
    int s = selector & 3;
    return switch (mode) {
      case "f4e" -> new int[] {0x3210, 0x4321, 0x5432, 0x6543}[s];
      case "b4e" -> new int[] {0x5670, 0x6701, 0x7012, 0x0123}[s];
      case "rc8" -> 0x1111 * s;
      case "ecl" -> new int[] {0x3210, 0x3211, 0x3222, 0x3333}[s];
      case "ecr" -> new int[] {0x0000, 0x1110, 0x2210, 0x3210}[s];
      default -> (s & 1) == 0 ? 0x1010 : 0x3232;
    };
  }

  public static int permute(int a, int b, int selector, String mode) {
    return permute(a, b, permuteSelector(mode, selector));
  }

  /** A mask of {@code width} ones from {@code position} up. */
  public static int maskClamp(int position, int width) {
    if (Integer.compareUnsigned(position, 31) > 0) {
      return 0;
    }
    return (Integer.compareUnsigned(width, 31) > 0 ? -1 : (1 << width) - 1) << position;
  }

  public static int maskWrap(int position, int width) {
    return ((1 << (width & 31)) - 1) << (position & 31);
  }

  /** The low {@code width} bits, extended by sign; all of them when there are 32 or more. */
  public static int signExtendClamp(int a, int width) {
    return Integer.compareUnsigned(width, 31) > 0 ? a : signExtendWrap(a, width);
  }

  public static int signExtendWrap(int a, int width) {
    int n = width & 31;
    return n == 0 ? 0 : (a << (32 - n)) >> (32 - n);
  }

  public static int zeroExtendClamp(int a, int width) {
    return Integer.compareUnsigned(width, 31) > 0 ? a : zeroExtendWrap(a, width);
  }

  public static int zeroExtendWrap(int a, int width) {
    return a & ((1 << (width & 31)) - 1);
  }

  /** The position of the n-th one from {@code base}, upwards or, for n below 0, downwards. */
  public static int findNth(int mask, int base, int n) {
    if (n == 0) {
      return ((mask >>> base) & 1) != 0 ? base & 31 : -1;
    }
    int step = n > 0 ? 1 : -1;
    long missing = Math.abs((long) n);
    for (int at = base; at >= 0 && at < 32; at += step) {
      if (((mask >>> at) & 1) != 0 && --missing == 0) {
        return at;
      }
    }
    return -1;
  }

  /** Any Boolean function of three inputs, given by its truth table. */
  public static int logic3(int a, int b, int c, int table) {
    int result = 0;
    for (int row = 0; row < 8; row++) {
      if ((table >> row & 1) != 0) {
        result |= ((row & 4) != 0 ? a : ~a) & ((row & 2) != 0 ? b : ~b) & ((row & 1) != 0 ? c : ~c);
      }
    }
    return result;
  }
}
