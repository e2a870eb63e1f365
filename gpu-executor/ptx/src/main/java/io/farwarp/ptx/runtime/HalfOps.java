package io.farwarp.ptx.runtime;

/**
 * Arithmetic in f16 and bf16, on values given by their 16 bits; packed instructions call it for
 * each half. Every result is rounded once: sums and products of two are exact in double, and where
 * a sum of three terms is not, it is rounded to odd first, which a later rounding to fewer bits
 * cannot notice. A NaN that is made has the canonical bits {@value #NAN}.
 */
public final class HalfOps {
  static final int NAN = 0x7FFF;
  private static final int SIGN = 0x8000;

  private HalfOps() {}

  private static int half(double exact) {
    return Conversions.toHalf(exact, 'n');
  }

  /** An f32 that is exact, or that was rounded with at least twice f16's precision. */
  private static int half(float nearlyExact) {
    return Float.isNaN(nearlyExact) ? NAN : Float.floatToFloat16(nearlyExact) & 0xFFFF;
  }

  private static int bfloat(double exact) {
    return Conversions.toBfloat(exact, 'n');
  }

  private static float f16(int bits) {
    return Conversions.fromHalf(bits);
  }

  private static float bf16(int bits) {
    return Conversions.fromBfloat(bits);
  }

  // A float has 24 bits, which is 2 * 11 + 2: rounding a sum of two f16 twice does no harm. Their
  // product fits as it is.

  public static int addHalf(int a, int b) {
    return half(f16(a) + f16(b));
  }

  public static int subHalf(int a, int b) {
    return half(f16(a) - f16(b));
  }

  public static int mulHalf(int a, int b) {
    return half(f16(a) * f16(b));
  }

  public static int fmaHalf(int a, int b, int c) {
    return half(sumToOdd((double) f16(a) * f16(b), f16(c)));
  }

  public static int addBfloat(int a, int b) {
    return bfloat(sumToOdd(bf16(a), bf16(b)));
  }

  public static int subBfloat(int a, int b) {
    return bfloat(sumToOdd(bf16(a), -bf16(b)));
  }

  public static int mulBfloat(int a, int b) {
    return bfloat((double) bf16(a) * bf16(b));
  }

  public static int fmaBfloat(int a, int b, int c) {
    return bfloat(sumToOdd((double) bf16(a) * bf16(b), bf16(c)));
  }

  /** The sum, rounded to odd: a sum that is not exact gets an odd last bit. */
  private static double sumToOdd(double a, double b) {
    double sum = a + b;
    double bFound = sum - a;
    double lost = (a - (sum - bFound)) + (b - bFound);
    long bits = Double.doubleToRawLongBits(sum);
    if (lost != 0 && (bits & 1) == 0 && Double.isFinite(sum)) {
      return Double.longBitsToDouble((lost > 0) == (sum > 0) ? bits + 1 : bits - 1);
    }
    return sum;
  }

  /** Subnormal f16 numbers become zero of the same sign. */
  public static int flush(int a) {
    return (a & 0x7C00) == 0 ? a & SIGN : a;
  }

  /** Clamps an f16 to [0, 1]; NaN becomes 0. */
  public static int saturate(int a) {
    if ((a & SIGN) != 0 || isNanHalf(a)) {
      return 0;
    }
    return Math.min(a, 0x3C00);
  }

  /** Negative numbers become 0. */
  public static int reluHalf(int a) {
    return isNanHalf(a) ? NAN : (a & SIGN) != 0 ? 0 : a;
  }

  public static int reluBfloat(int a) {
    return isNanBfloat(a) ? NAN : (a & SIGN) != 0 ? 0 : a;
  }

  /** Infinity becomes the largest finite number of its sign. */
  public static int finiteHalf(int a) {
    return (a & 0x7FFF) == 0x7C00 ? a - 1 : a;
  }

  public static int finiteBfloat(int a) {
    return (a & 0x7FFF) == 0x7F80 ? a - 1 : a;
  }

  private static boolean isNanHalf(int a) {
    return (a & 0x7FFF) > 0x7C00;
  }

  private static boolean isNanBfloat(int a) {
    return (a & 0x7FFF) > 0x7F80;
  }

  /** Bits to an int that is ordered as the numbers are, with -0 below +0. */
  private static int order(int a) {
    return (a & SIGN) != 0 ? ~a & 0xFFFF : a | 0x10000;
  }

  private static int choose(int a, int b, boolean nanA, boolean nanB, boolean least) {
    if (nanA || nanB) {
      return nanA && nanB ? NAN : nanA ? b : a;
    }
    return order(a) < order(b) == least ? a : b;
  }

  /** The smaller number; a NaN gives way to a number, and -0 is below +0. */
  public static int minHalf(int a, int b) {
    return choose(a, b, isNanHalf(a), isNanHalf(b), true);
  }

  public static int maxHalf(int a, int b) {
    return choose(a, b, isNanHalf(a), isNanHalf(b), false);
  }

  public static int minBfloat(int a, int b) {
    return choose(a, b, isNanBfloat(a), isNanBfloat(b), true);
  }

  public static int maxBfloat(int a, int b) {
    return choose(a, b, isNanBfloat(a), isNanBfloat(b), false);
  }

  /** The smaller number, or NaN if either is one. */
  public static int minNanHalf(int a, int b) {
    return isNanHalf(a) || isNanHalf(b) ? NAN : minHalf(a, b);
  }

  public static int maxNanHalf(int a, int b) {
    return isNanHalf(a) || isNanHalf(b) ? NAN : maxHalf(a, b);
  }

  public static int minNanBfloat(int a, int b) {
    return isNanBfloat(a) || isNanBfloat(b) ? NAN : minBfloat(a, b);
  }

  public static int maxNanBfloat(int a, int b) {
    return isNanBfloat(a) || isNanBfloat(b) ? NAN : maxBfloat(a, b);
  }

  /** Gives a magnitude the product of two signs, unless it is NaN. */
  public static int signHalf(int magnitude, int a, int b) {
    return isNanHalf(magnitude) ? NAN : magnitude | ((a ^ b) & SIGN);
  }

  public static int signBfloat(int magnitude, int a, int b) {
    return isNanBfloat(magnitude) ? NAN : magnitude | ((a ^ b) & SIGN);
  }

  public static int ex2Half(int a) {
    return half(ApproximateMath.ex2(f16(a)));
  }

  /** {@code ex2.approx.ftz.bf16}. */
  public static int ex2Bfloat(int a) {
    int result = bfloat(ApproximateMath.ex2(bf16(a)));
    return (result & 0x7F80) == 0 ? 0 : result;
  }

  public static int tanhHalf(int a) {
    return half(ApproximateMath.tanh(f16(a)));
  }

  public static int tanhBfloat(int a) {
    return bfloat(ApproximateMath.tanh(bf16(a)));
  }
}
