package io.farwarp.ptx;

import java.math.BigDecimal;
import java.math.BigInteger;

/** f16 and bf16 by their definition: what bits mean, and how an exact number is rounded to bits. */
enum HalfFormat {
  F16(PtxType.F16, PtxType.F16X2, 11, -24),
  BF16(PtxType.BF16, PtxType.BF16X2, 8, -133);

  static final int NAN = 0x7FFF;

  /** Enough for the product of two subnormal numbers to be an integer when shifted left by it. */
  private static final int SHIFT = 1200;

  final PtxType type;
  final PtxType packed;
  private final int precision;
  private final int leastExponent;

  HalfFormat(PtxType type, PtxType packed, int precision, int leastExponent) {
    this.type = type;
    this.packed = packed;
    this.precision = precision;
    this.leastExponent = leastExponent;
  }

  static HalfFormat of(PtxType type) {
    return type.element() == PtxType.F16 ? F16 : BF16;
  }

  private int infinity() {
    return 0x7FFF & -(1 << (precision - 1));
  }

  boolean isNan(long bits) {
    return (bits & 0x7FFF) > infinity();
  }

  boolean isSubnormal(long bits) {
    return (bits & infinity()) == 0;
  }

  double value(long bits) {
    int magnitude = (int) bits & 0x7FFF;
    double value;
    if (magnitude >= infinity()) {
      value = magnitude == infinity() ? Double.POSITIVE_INFINITY : Double.NaN;
    } else {
      int fraction = magnitude & ((1 << (precision - 1)) - 1);
      int exponent = magnitude >>> (precision - 1);
      value =
          exponent == 0
              ? Math.scalb((double) fraction, leastExponent)
              : Math.scalb(
                  (double) (fraction | (1 << (precision - 1))), leastExponent + exponent - 1);
    }
    return (bits & 0x8000) != 0 ? -value : value;
  }

  /** Rounds a double, or rather {@code exact}, where the double is finite and not zero. */
  long round(double value, BigDecimal exact, char mode) {
    if (Double.isNaN(value)) {
      return NAN;
    }
    int sign = value < 0 || 1 / value < 0 ? 0x8000 : 0;
    if (Double.isInfinite(value)) {
      return sign | infinity();
    }
    return exact.signum() == 0 ? sign : round(exact, mode);
  }

  long round(double value, char mode) {
    return round(value, Double.isFinite(value) ? new BigDecimal(value) : BigDecimal.ZERO, mode);
  }

  private long round(BigDecimal exact, char mode) {
    boolean negative = exact.signum() < 0;
    BigInteger scaled =
        exact.abs().multiply(new BigDecimal(BigInteger.TWO.pow(SHIFT))).toBigIntegerExact();
    int exponent = Math.max(scaled.bitLength() - SHIFT - precision, leastExponent);
    BigInteger[] parts = scaled.divideAndRemainder(BigInteger.TWO.pow(SHIFT + exponent));
    long kept = parts[0].longValue();
    int half = parts[1].shiftLeft(1).compareTo(BigInteger.TWO.pow(SHIFT + exponent));
    boolean up =
        switch (mode) {
          case 'n' -> half > 0 || (half == 0 && (kept & 1) != 0);
          case 'p' -> !negative && parts[1].signum() != 0;
          case 'm' -> negative && parts[1].signum() != 0;
          default -> false;
        };
    long bits = ((long) (exponent - leastExponent) << (precision - 1)) + kept + (up ? 1 : 0);
    boolean outward = mode == 'n' || mode == (negative ? 'm' : 'p');
    long most = outward ? infinity() : infinity() - 1;
    return Math.min(bits, most) | (negative ? 0x8000 : 0);
  }
}
