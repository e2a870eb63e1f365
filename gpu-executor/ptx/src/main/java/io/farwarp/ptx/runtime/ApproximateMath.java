package io.farwarp.ptx.runtime;

/**
 * The {@code .approx} functions in f32. The PTX ISA bounds their errors: 2 ulp for {@code ex2} and
 * {@code rsqrt} (2<sup>-22.9</sup>), 2<sup>-22</sup> for {@code lg2}, an absolute 2<sup>-20.5</sup>
 * for {@code sin} and {@code cos} in [-pi, pi], and 2<sup>-11</sup> for {@code tanh}. These work in
 * double and stay under 1 ulp; they are more accurate than the hardware's and not bit-equal to it.
 */
public final class ApproximateMath {
  private static final double ROUND = 0x1.8p52;
  private static final long SQRT_HALF_BITS = Double.doubleToRawLongBits(Math.sqrt(0.5));
  private static final double TWO_OVER_LN2 = 2.8853900817779268;
  private static final double TWO_OVER_PI = 0.6366197723675814;
  private static final double PI_OVER_2_HIGH = 1.5707963267341256;
  private static final double PI_OVER_2_LOW = 6.077100506506192e-11;

  private ApproximateMath() {}

  /**
   * 2<sup>x</sup>: 2<sup>n</sup> goes into a double's exponent, and a polynomial gives
   * 2<sup>r</sup> for r in +-1/2.
   */
  public static float ex2(float x) {
    double d = x;
    if (Math.abs(x) > 200f) {
      // All is zero or infinite out there; the clamp keeps n within a double's exponent.
      d = x > 0f ? 200.0 : -200.0;
    }
    double shifted = d + ROUND;
    double r = d - (shifted - ROUND);
    double r2 = r * r;
    double low = Math.fma(r, 0.24022650760568126, 0.6931471880262288);
    double middle = Math.fma(r, 0.009618082557277852, 0.05550357114219078);
    double high = Math.fma(r, 0.0001545316294512069, 0.0013390863364671234);
    double p = Math.fma(r, Math.fma(r2, Math.fma(r2, high, middle), low), 1.0);
    long exponent = Double.doubleToRawLongBits(shifted) << 52;
    return (float) Double.longBitsToDouble(Double.doubleToRawLongBits(p) + exponent);
  }

  /** The logarithm to base 2. */
  public static float lg2(float x) {
    if (!(x > 0f && x <= Float.MAX_VALUE)) {
      return x == 0f ? Float.NEGATIVE_INFINITY : x > 0f ? x : Float.NaN;
    }
    long bits = Double.doubleToRawLongBits(x);
    long exponent = (bits - SQRT_HALF_BITS) >> 52;
    double m = Double.longBitsToDouble(bits - (exponent << 52));
    double s = (m - 1.0) / (m + 1.0);
    double z = s * s;
    double z2 = z * z;
    double series = (1.0 + z * (1.0 / 3)) + z2 * ((0.2 + z * (1.0 / 7)) + z2 * (1.0 / 9));
    return (float) (exponent + TWO_OVER_LN2 * s * series);
  }

  public static float rsqrt(float x) {
    return 1f / (float) Math.sqrt(x);
  }

  public static double rsqrt(double x) {
    return 1.0 / Math.sqrt(x);
  }

  public static float sin(float x) {
    if (!(Math.abs(x) < 100_000f)) {
      return (float) Math.sin(x);
    }
    double shifted = x * TWO_OVER_PI + ROUND;
    double k = shifted - ROUND;
    double r = (x - k * PI_OVER_2_HIGH) - k * PI_OVER_2_LOW;
    return (float) quadrant(r, (int) Double.doubleToRawLongBits(shifted));
  }

  public static float cos(float x) {
    if (!(Math.abs(x) < 100_000f)) {
      return (float) Math.cos(x);
    }
    double shifted = x * TWO_OVER_PI + ROUND;
    double k = shifted - ROUND;
    double r = (x - k * PI_OVER_2_HIGH) - k * PI_OVER_2_LOW;
    return (float) quadrant(r, (int) Double.doubleToRawLongBits(shifted) + 1);
  }

  /** sin(r + quadrant * pi/2) for r in [-pi/4, pi/4], by Taylor's series. */
  private static double quadrant(double r, int quadrant) {
    double z = r * r;
    double value;
    if ((quadrant & 1) == 0) {
      double tail = 1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880));
      value = r * (1.0 + z * (-1.0 / 6 + z * tail));
    } else {
      double tail = -1.0 / 720 + z * (1.0 / 40320 - z * (1.0 / 3628800));
      value = 1.0 + z * (-0.5 + z * (1.0 / 24 + z * tail));
    }
    return (quadrant & 2) == 0 ? value : -value;
  }

  public static float tanh(float x) {
    if (Math.abs(x) < 0.25f) {
      double z = (double) x * x;
      return (float) (x * (1.0 + z * (-1.0 / 3 + z * (2.0 / 15 - z * (17.0 / 315)))));
    }
    float e = ex2(2.88539f * x);
    return (float) (1.0 - 2.0 / ((double) e + 1.0));
  }
}
