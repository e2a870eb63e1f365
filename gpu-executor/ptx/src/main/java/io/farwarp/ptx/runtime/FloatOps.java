package io.farwarp.ptx.runtime;

/** Floating-point instructions whose PTX semantics differ from Java's operators. */
public final class FloatOps {
  private FloatOps() {}

  /** Subnormal numbers become zero of the same sign. */
  public static float flush(float x) {
    return Math.abs(x) < Float.MIN_NORMAL ? 0f * x : x;
  }

  /** Clamps to [0, 1]; NaN becomes 0. */
  public static float saturate(float x) {
    if (x > 0f && x < 1f) {
      return x;
    }
    return x >= 1f ? 1f : 0f;
  }

  public static double saturate(double x) {
    return x > 0 ? Math.min(x, 1) : 0;
  }

  /** The smaller number; a NaN gives way to a number, and -0 is below +0. */
  public static float min(float a, float b) {
    return Float.isNaN(a) ? b : Float.isNaN(b) ? a : Math.min(a, b);
  }

  public static float max(float a, float b) {
    return Float.isNaN(a) ? b : Float.isNaN(b) ? a : Math.max(a, b);
  }

  public static double min(double a, double b) {
    return Double.isNaN(a) ? b : Double.isNaN(b) ? a : Math.min(a, b);
  }

  public static double max(double a, double b) {
    return Double.isNaN(a) ? b : Double.isNaN(b) ? a : Math.max(a, b);
  }

  /** Ordered and different: false when either is NaN. */
  public static boolean differ(float a, float b) {
    return a < b || a > b;
  }

  public static boolean differ(double a, double b) {
    return a < b || a > b;
  }

  public static boolean ordered(float a, float b) {
    return !Float.isNaN(a) && !Float.isNaN(b);
  }

  public static boolean ordered(double a, double b) {
    return !Double.isNaN(a) && !Double.isNaN(b);
  }

  public static float negate(float a) {
    return Float.intBitsToFloat(Float.floatToRawIntBits(a) ^ 0x8000_0000);
  }

  public static float sqrt(float a) {
    return (float) Math.sqrt(a);
  }

  /** {@code copysign d, a, b}: the magnitude of {@code b} with the sign of {@code a}. */
  public static float copySign(float a, float b) {
    return Math.copySign(b, a);
  }

  public static double copySign(double a, double b) {
    return Math.copySign(b, a);
  }

  /** Gives a magnitude the product of two signs, unless it is NaN. */
  public static float xorSign(float magnitude, float a, float b) {
    int sign = (Float.floatToRawIntBits(a) ^ Float.floatToRawIntBits(b)) & 0x8000_0000;
    return Float.isNaN(magnitude)
        ? magnitude
        : Float.intBitsToFloat(Float.floatToRawIntBits(magnitude) | sign);
  }

  public static boolean finite(float a) {
    return Float.isFinite(a);
  }

  public static boolean infinite(float a) {
    return Float.isInfinite(a);
  }

  /** {@code div.approx}: so large a divisor that its inverse is subnormal counts as infinite. */
  public static float divApproximate(float a, float b) {
    return Math.abs(b) > 0x1p126f ? a * Math.copySign(0f, b) : a / b;
  }

  public static boolean number(float a) {
    return !Float.isNaN(a);
  }

  public static boolean notanumber(float a) {
    return Float.isNaN(a);
  }

  /** Zero counts as normal, says the ISA. */
  public static boolean normal(float a) {
    return Float.isFinite(a) && !subnormal(a);
  }

  public static boolean subnormal(float a) {
    return a != 0 && Math.abs(a) < Float.MIN_NORMAL;
  }

  public static boolean finite(double a) {
    return Double.isFinite(a);
  }

  public static boolean infinite(double a) {
    return Double.isInfinite(a);
  }

  public static boolean number(double a) {
    return !Double.isNaN(a);
  }

  public static boolean notanumber(double a) {
    return Double.isNaN(a);
  }

  /** Zero counts as normal, says the ISA. */
  public static boolean normal(double a) {
    return Double.isFinite(a) && !subnormal(a);
  }

  public static boolean subnormal(double a) {
    return a != 0 && Math.abs(a) < Double.MIN_NORMAL;
  }
}
