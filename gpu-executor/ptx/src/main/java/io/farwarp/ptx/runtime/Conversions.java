package io.farwarp.ptx.runtime;

import java.math.BigDecimal;
import java.math.BigInteger;

/**
 * Conversions between numbers. To an integer they clamp to its range, and NaN becomes 0; callers
 * round to an integral value first.
 */
public final class Conversions {
  private static final BigDecimal TWO_64 = new BigDecimal(BigInteger.ONE.shiftLeft(64));

  private Conversions() {}

  public static double truncate(double a) {
    return a < 0 ? Math.ceil(a) : Math.floor(a);
  }

  public static int toS8(double a) {
    return Math.clamp((long) a, Byte.MIN_VALUE, Byte.MAX_VALUE);
  }

  public static int toS16(double a) {
    return Math.clamp((long) a, Short.MIN_VALUE, Short.MAX_VALUE);
  }

  public static int toU8(double a) {
    return Math.clamp((long) a, 0, 0xFF);
  }

  public static int toU16(double a) {
    return Math.clamp((long) a, 0, 0xFFFF);
  }

  public static int toU32(double a) {
    return (int) Math.clamp((long) a, 0L, 0xFFFF_FFFFL);
  }

  public static double replaceNan(double a, double by) {
    return Double.isNaN(a) ? by : a;
  }

  public static long toU64(double a) {
    if (!(a > 0)) {
      return 0;
    }
    if (a >= 0x1p64) {
      return -1;
    }
    return a < 0x1p63 ? (long) a : (long) (a - 0x1p63) + Long.MIN_VALUE;
  }

  /** Clamps a signed integer to {@code bits} bits, signed. */
  public static long clampSigned(long a, int bits) {
    long top = (1L << (bits - 1)) - 1;
    return Math.clamp(a, -top - 1, top);
  }

  /** Clamps a signed integer to {@code bits} bits, unsigned. */
  public static long clampUnsigned(long a, int bits) {
    long top = bits == 64 ? Long.MAX_VALUE : (1L << bits) - 1;
    return Math.clamp(a, 0, top);
  }

  /** Clamps an unsigned integer to {@code bits} bits; signed when {@code signed}. */
  public static long clampFromUnsigned(long a, int bits, boolean signed) {
    int width = signed ? bits - 1 : bits;
    long top = width == 64 ? -1L : (1L << width) - 1;
    return IntegerOps.minUnsigned(a, top);
  }

  public static float unsignedToFloat(long a) {
    if (a >= 0) {
      return (float) a;
    }
    // Halve with a sticky low bit, so that one rounding decides.
    return (float) ((a >>> 1) | (a & 1)) * 2f;
  }

  public static double unsignedToDouble(long a) {
    if (a >= 0) {
      return (double) a;
    }
    return (double) ((a >>> 1) | (a & 1)) * 2.0;
  }

  private static BigDecimal exact(long a, boolean signed) {
    BigDecimal value = new BigDecimal(a);
    return signed || a >= 0 ? value : value.add(TWO_64);
  }

  /** An integer to f32 in mode {@code z}, {@code m} or {@code p}. */
  public static float toFloat(long a, boolean signed, int mode) {
    float f = signed ? (float) a : unsignedToFloat(a);
    BigDecimal exact = exact(a, signed);
    int order = new BigDecimal(f).compareTo(exact);
    boolean down = mode == 'm' || (mode == 'z' && exact.signum() > 0);
    if (order > 0 && down) {
      return Math.nextDown(f);
    }
    return order < 0 && !down ? Math.nextUp(f) : f;
  }

  /** An integer to f64 in mode {@code z}, {@code m} or {@code p}. */
  public static double toDouble(long a, boolean signed, int mode) {
    double d = signed ? (double) a : unsignedToDouble(a);
    return d == 0 ? d : DirectedRounding.adjust(d, exact(a, signed), (char) mode);
  }

  public static float fromHalf(int bits) {
    return Float.float16ToFloat((short) bits);
  }

  public static float fromBfloat(int bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /**
   * An integer as a double that rounds to f16 and bf16 as the integer does: where a double cannot
   * hold it, the bits that are cut leave a sticky one far below what those formats keep.
   */
  public static double sticky(long a, boolean signed) {
    boolean large = signed ? Math.abs(a) > 1L << 48 || a == Long.MIN_VALUE : a >>> 48 != 0;
    long kept = large && (a & 0xFFFF) != 0 ? (a & ~0xFFFFL) | 0x1_0000L : a;
    return signed ? (double) kept : unsignedToDouble(kept);
  }

  /** Rounds to odd, so that a second rounding to fewer bits gives the correct result. */
  private static float toOdd(double a) {
    float f = (float) a;
    if (f == a || Float.isNaN(f)) {
      return f;
    }
    if (Float.isInfinite(f)) {
      return Math.copySign(Float.MAX_VALUE, f);
    }
    float toZero = DirectedRounding.narrowZero(a);
    return Float.intBitsToFloat(Float.floatToRawIntBits(toZero) | 1);
  }

  /** To f16 in mode {@code n}, {@code z}, {@code m} or {@code p}; the bits. */
  public static int toHalf(double a, int mode) {
    if (Double.isNaN(a)) {
      return HalfOps.NAN;
    }
    short nearest = Float.floatToFloat16(toOdd(a));
    float value = Float.float16ToFloat(nearest);
    if (mode == 'n' || value == a) {
      return nearest & 0xFFFF;
    }
    boolean down = mode == 'm' || (mode == 'z' && a > 0);
    int bits = nearest & 0xFFFF;
    if (value > a && down) {
      bits = stepHalf(bits, false);
    } else if (value < a && !down) {
      bits = stepHalf(bits, true);
    }
    // A result that is zero keeps the sign of what it came from.
    return (bits & 0x7FFF) == 0 && a < 0 ? 0x8000 : bits;
  }

  private static int stepHalf(int bits, boolean up) {
    if ((bits & 0x7FFF) == 0) {
      return up ? 0x0001 : 0x8001;
    }
    boolean outward = up == ((bits & 0x8000) == 0);
    return outward ? bits + 1 : bits - 1;
  }

  /** To bf16 in mode {@code n}, {@code z}, {@code m} or {@code p}; the bits. */
  public static int toBfloat(double a, int mode) {
    if (Double.isNaN(a)) {
      return HalfOps.NAN;
    }
    int bits = Float.floatToRawIntBits(toOdd(a));
    boolean inexact = (bits & 0xFFFF) != 0;
    boolean outward = mode == 'p' ? bits >= 0 : mode == 'm' && bits < 0;
    if (mode == 'n') {
      bits += 0x7FFF + ((bits >>> 16) & 1);
    } else if (inexact && outward) {
      bits += 0x1_0000;
    }
    return bits >>> 16;
  }
}
