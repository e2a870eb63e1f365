package io.farwarp.ptx.runtime;

/**
 * Integer instructions that are more than one Java operator. Quotient and remainder of a division
 * by zero, which PTX leaves open, are all ones, as an H100 gives them.
 */
public final class IntegerOps {
  private IntegerOps() {}

  public static int div(int a, int b) {
    return b == 0 ? -1 : a / b;
  }

  public static long div(long a, long b) {
    return b == 0 ? -1 : a / b;
  }

  public static int divUnsigned(int a, int b) {
    return b == 0 ? -1 : Integer.divideUnsigned(a, b);
  }

  public static long divUnsigned(long a, long b) {
    return b == 0 ? -1 : Long.divideUnsigned(a, b);
  }

  public static int rem(int a, int b) {
    return b == 0 ? -1 : a % b;
  }

  public static long rem(long a, long b) {
    return b == 0 ? -1 : a % b;
  }

  public static int remUnsigned(int a, int b) {
    return b == 0 ? -1 : Integer.remainderUnsigned(a, b);
  }

  public static long remUnsigned(long a, long b) {
    return b == 0 ? -1 : Long.remainderUnsigned(a, b);
  }

  public static int minUnsigned(int a, int b) {
    return Integer.compareUnsigned(a, b) <= 0 ? a : b;
  }

  public static long minUnsigned(long a, long b) {
    return Long.compareUnsigned(a, b) <= 0 ? a : b;
  }

  public static int maxUnsigned(int a, int b) {
    return Integer.compareUnsigned(a, b) >= 0 ? a : b;
  }

  public static long maxUnsigned(long a, long b) {
    return Long.compareUnsigned(a, b) >= 0 ? a : b;
  }

  public static int mulHigh(int a, int b) {
    return (int) (((long) a * b) >> 32);
  }

  public static int mulHighUnsigned(int a, int b) {
    return (int) ((Integer.toUnsignedLong(a) * Integer.toUnsignedLong(b)) >>> 32);
  }

  public static int addSaturated(int a, int b) {
    return clamp((long) a + b);
  }

  public static int subSaturated(int a, int b) {
    return clamp((long) a - b);
  }

  public static int clamp(long value) {
    return (int) Math.min(Math.max(value, Integer.MIN_VALUE), Integer.MAX_VALUE);
  }

  /** 24-bit multiplication: bits 0-31 of the 48-bit product. */
  public static int mul24Low(int a, int b) {
    return (int) ((long) ((a << 8) >> 8) * ((b << 8) >> 8));
  }

  /** 24-bit multiplication: bits 16-47 of the 48-bit product. */
  public static int mul24High(int a, int b) {
    return (int) (((long) ((a << 8) >> 8) * ((b << 8) >> 8)) >> 16);
  }

  public static int mul24LowUnsigned(int a, int b) {
    return (int) ((long) (a & 0xFFFFFF) * (b & 0xFFFFFF));
  }

  public static int mul24HighUnsigned(int a, int b) {
    return (int) (((long) (a & 0xFFFFFF) * (b & 0xFFFFFF)) >>> 16);
  }

  public static int absDifference(int a, int b) {
    return a < b ? b - a : a - b;
  }

  public static long absDifference(long a, long b) {
    return a < b ? b - a : a - b;
  }

  public static int absDifferenceUnsigned(int a, int b) {
    return Integer.compareUnsigned(a, b) < 0 ? b - a : a - b;
  }

  public static long absDifferenceUnsigned(long a, long b) {
    return Long.compareUnsigned(a, b) < 0 ? b - a : a - b;
  }

  /** The carry out of {@code a + b + carry}. */
  public static int carry(int a, int b, int carry) {
    return (int) ((Integer.toUnsignedLong(a) + Integer.toUnsignedLong(b) + carry) >>> 32);
  }

  /** The carry out of {@code a + b + carry}. */
  public static int carry(long a, long b, int carry) {
    long sum = a + b;
    int first = Long.compareUnsigned(sum, a) < 0 ? 1 : 0;
    return first | (carry != 0 && sum == -1 ? 1 : 0);
  }

  /** The borrow out of {@code a - b - borrow}. */
  public static int borrow(int a, int b, int borrow) {
    return (int) ((Integer.toUnsignedLong(a) - Integer.toUnsignedLong(b) - borrow) >>> 63);
  }

  /** The borrow out of {@code a - b - borrow}. */
  public static int borrow(long a, long b, int borrow) {
    int order = Long.compareUnsigned(a, b);
    return order < 0 || (order == 0 && borrow != 0) ? 1 : 0;
  }

  /** Two products of a 16-bit number of {@code a} and a lower byte of {@code b}, added up. */
  public static int dot2Low(int a, int b, int c, boolean signedA, boolean signedB) {
    int x = signedA ? (short) a : a & 0xFFFF;
    int y = signedA ? a >> 16 : a >>> 16;
    int u = signedB ? (byte) b : b & 0xFF;
    int v = signedB ? (byte) (b >> 8) : (b >>> 8) & 0xFF;
    return c + x * u + y * v;
  }

  /** As {@link #dot2Low} with the upper bytes of {@code b}. */
  public static int dot2High(int a, int b, int c, boolean signedA, boolean signedB) {
    return dot2Low(a, b >>> 16, c, signedA, signedB);
  }

  private static int absDifferenceParts(int a, int b, int bits) {
    int mask = (1 << bits) - 1;
    int result = 0;
    for (int shift = 0; shift < 32; shift += bits) {
      result |= Math.abs(((a >>> shift) & mask) - ((b >>> shift) & mask)) << shift;
    }
    return result;
  }

  public static int absDifferenceBytes(int a, int b) {
    return absDifferenceParts(a, b, 8);
  }

  public static int absDifferenceHalves(int a, int b) {
    return absDifferenceParts(a, b, 16);
  }

  public static int sumAbsDifferenceBytes(int a, int b, int c) {
    int parts = absDifferenceBytes(a, b);
    return c + (parts & 0xFF) + ((parts >>> 8) & 0xFF) + ((parts >>> 16) & 0xFF) + (parts >>> 24);
  }

  public static int sumAbsDifferenceHalves(int a, int b, int c) {
    int parts = absDifferenceHalves(a, b);
    return c + (parts & 0xFFFF) + (parts >>> 16);
  }

  /** Four byte products added to {@code c}. */
  public static int dot4(int a, int b, int c, boolean signedA, boolean signedB) {
    int sum = c;
    for (int shift = 0; shift < 32; shift += 8) {
      int x = signedA ? (byte) (a >> shift) : (a >>> shift) & 0xFF;
      int y = signedB ? (byte) (b >> shift) : (b >>> shift) & 0xFF;
      sum += x * y;
    }
    return sum;
  }
}
