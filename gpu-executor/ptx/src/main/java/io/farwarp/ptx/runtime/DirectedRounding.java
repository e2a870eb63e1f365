package io.farwarp.ptx.runtime;

import java.math.BigDecimal;
import java.math.MathContext;

/**
 * Arithmetic rounded towards zero, down or up, exactly as IEEE 754 defines it.
 *
 * <p>In f32 an operation is done in double, with the sign of what double rounding lost; the float
 * nearest to the double is then moved by one where it lies on the wrong side. In f64 the nearest
 * result is compared with the exact one.
 */
public final class DirectedRounding {
  private DirectedRounding() {}

  /** Rounds {@code s + error} down, where {@code error} is below half an ulp of {@code s}. */
  private static float down(double s, double error) {
    float f = (float) s;
    if (!(Math.abs(s) <= Double.MAX_VALUE)) {
      return f;
    }
    return f > s || (f == s && error < 0) ? Math.nextDown(f) : f;
  }

  private static float up(double s, double error) {
    float f = (float) s;
    if (!(Math.abs(s) <= Double.MAX_VALUE)) {
      return f;
    }
    return f < s || (f == s && error > 0) ? Math.nextUp(f) : f;
  }

  private static float zero(double s, double error) {
    return s > 0 || (s == 0 && 1 / s > 0)
        ? keepSign(down(s, error), 0f)
        : keepSign(up(s, error), -0f);
  }

  private static float keepSign(float x, float zero) {
    return x == 0 ? zero : x;
  }

  /** The error of {@code s = a + b}, exact (Knuth's two-sum). */
  private static double twoSumError(double a, double b, double s) {
    double bb = s - a;
    return (a - (s - bb)) + (b - bb);
  }

  /** An exact zero sum of opposite numbers is -0 when rounding down, else +0. */
  private static boolean cancels(double a, double b, double s) {
    return s == 0 && (a != 0 || Double.doubleToRawLongBits(a) != Double.doubleToRawLongBits(b));
  }

  public static float addDown(float a, float b) {
    double s = (double) a + b;
    return cancels(a, b, s) ? -0f : down(s, twoSumError(a, b, s));
  }

  public static float addUp(float a, float b) {
    double s = (double) a + b;
    return up(s, twoSumError(a, b, s));
  }

  public static float addZero(float a, float b) {
    double s = (double) a + b;
    return zero(s, twoSumError(a, b, s));
  }

  public static float mulDown(float a, float b) {
    return down((double) a * b, 0);
  }

  public static float mulUp(float a, float b) {
    return up((double) a * b, 0);
  }

  public static float mulZero(float a, float b) {
    return zero((double) a * b, 0);
  }

  /**
   * {@code a * b + c} rounded down. nvcc's expf uses it, and half the time the nearest float is the
   * wrong one, so no branch depends on that.
   *
   * <p>Where {@code c - f} is exact, which two subtractions tell, a second fused multiply-add gives
   * the sign of what rounding to {@code f} lost. Other operands take the long way, which is a call:
   * C2 leaves it out of kernels that never need it, and with it the registers saved around it.
   */
  public static float fmaDown(float a, float b, float c) {
    float f = Math.fma(a, b, c);
    float difference = c - f;
    if (c - difference == f && difference + f == c && f != 0f) {
      int above = Float.floatToRawIntBits(Math.fma(a, b, difference)) >> 31;
      int bits = Float.floatToRawIntBits(f);
      return Float.intBitsToFloat(bits - (above & (1 | (bits >> 31))));
    }
    return exactDown(a, b, c);
  }

  private static float exactDown(float a, float b, float c) {
    double p = (double) a * b;
    double s = p + c;
    return cancels(p, c, s) ? -0f : down(s, twoSumError(p, c, s));
  }

  public static float fmaUp(float a, float b, float c) {
    return -fmaDown(-a, b, -c);
  }

  public static float fmaZero(float a, float b, float c) {
    double p = (double) a * b;
    double s = p + c;
    return zero(s, twoSumError(p, c, s));
  }

  /** The sign of the exact quotient less {@code q}. */
  private static double quotientError(double a, double b, double q) {
    double remainder = Math.fma(-q, b, a);
    return b > 0 ? remainder : -remainder;
  }

  public static float divDown(float a, float b) {
    double q = (double) a / b;
    return down(q, quotientError(a, b, q));
  }

  public static float divUp(float a, float b) {
    double q = (double) a / b;
    return up(q, quotientError(a, b, q));
  }

  public static float divZero(float a, float b) {
    double q = (double) a / b;
    return zero(q, quotientError(a, b, q));
  }

  public static float sqrtDown(float a) {
    double s = Math.sqrt(a);
    return down(s, Math.fma(-s, s, a));
  }

  public static float sqrtUp(float a) {
    double s = Math.sqrt(a);
    return up(s, Math.fma(-s, s, a));
  }

  public static float sqrtZero(float a) {
    return sqrtDown(a);
  }

  public static float narrowDown(double a) {
    return down(a, 0);
  }

  public static float narrowUp(double a) {
    return up(a, 0);
  }

  public static float narrowZero(double a) {
    return zero(a, 0);
  }

  /** Moves the nearest double {@code r} to the side of {@code exact} that the mode wants. */
  static double adjust(double r, BigDecimal exact, char mode) {
    if (Double.isInfinite(r)) {
      // Overflow: towards zero it stops at the largest finite number.
      boolean inward = mode == 'z' || (mode == 'm' ? r > 0 : r < 0);
      return inward ? Math.copySign(Double.MAX_VALUE, r) : r;
    }
    int order = new BigDecimal(r).compareTo(exact);
    int sign = exact.signum();
    if (order > 0 && (mode == 'm' || (mode == 'z' && sign > 0))) {
      return Math.nextDown(r);
    }
    if (order < 0 && (mode == 'p' || (mode == 'z' && sign < 0))) {
      return Math.nextUp(r);
    }
    return r;
  }

  private static boolean finite(double a, double b) {
    return Double.isFinite(a) && Double.isFinite(b);
  }

  private static double add(double a, double b, char mode) {
    double r = a + b;
    if (!finite(a, b)) {
      return r;
    }
    if (mode == 'm' && cancels(a, b, r)) {
      return -0.0;
    }
    return r == 0 ? r : adjust(r, new BigDecimal(a).add(new BigDecimal(b)), mode);
  }

  private static double mul(double a, double b, char mode) {
    double r = a * b;
    if (!finite(a, b) || a == 0 || b == 0) {
      return r;
    }
    return adjust(r, new BigDecimal(a).multiply(new BigDecimal(b)), mode);
  }

  private static double fma(double a, double b, double c, char mode) {
    double r = Math.fma(a, b, c);
    if (!finite(a, b) || !Double.isFinite(c)) {
      return r;
    }
    BigDecimal exact = new BigDecimal(a).multiply(new BigDecimal(b)).add(new BigDecimal(c));
    if (exact.signum() == 0) {
      return mode == 'm' && cancels(a * b, c, r) ? -0.0 : r;
    }
    return adjust(r, exact, mode);
  }

  private static double div(double a, double b, char mode) {
    double q = a / b;
    if (!finite(a, b) || a == 0 || b == 0) {
      return q;
    }
    if (Double.isInfinite(q)) {
      return adjust(q, BigDecimal.ONE, mode);
    }
    // Compare q * b with a, which needs no quotient.
    BigDecimal divisor = new BigDecimal(b);
    int order = new BigDecimal(q).multiply(divisor).compareTo(new BigDecimal(a));
    boolean above = divisor.signum() > 0 ? order > 0 : order < 0;
    boolean positive = (a > 0) == (b > 0);
    if (order != 0 && above && (mode == 'm' || (mode == 'z' && positive))) {
      return Math.nextDown(q);
    }
    if (order != 0 && !above && (mode == 'p' || (mode == 'z' && !positive))) {
      return Math.nextUp(q);
    }
    return q;
  }

  private static double sqrt(double a, char mode) {
    double s = Math.sqrt(a);
    if (!(s > 0 && s <= Double.MAX_VALUE)) {
      return s;
    }
    BigDecimal root = new BigDecimal(s);
    int order = root.multiply(root, MathContext.UNLIMITED).compareTo(new BigDecimal(a));
    if (order > 0 && mode != 'p') {
      return Math.nextDown(s);
    }
    return order < 0 && mode == 'p' ? Math.nextUp(s) : s;
  }

  public static double addDown(double a, double b) {
    return add(a, b, 'm');
  }

  public static double addUp(double a, double b) {
    return add(a, b, 'p');
  }

  public static double addZero(double a, double b) {
    return add(a, b, 'z');
  }

  public static double mulDown(double a, double b) {
    return mul(a, b, 'm');
  }

  public static double mulUp(double a, double b) {
    return mul(a, b, 'p');
  }

  public static double mulZero(double a, double b) {
    return mul(a, b, 'z');
  }

  public static double fmaDown(double a, double b, double c) {
    return fma(a, b, c, 'm');
  }

  public static double fmaUp(double a, double b, double c) {
    return fma(a, b, c, 'p');
  }

  public static double fmaZero(double a, double b, double c) {
    return fma(a, b, c, 'z');
  }

  public static double divDown(double a, double b) {
    return div(a, b, 'm');
  }

  public static double divUp(double a, double b) {
    return div(a, b, 'p');
  }

  public static double divZero(double a, double b) {
    return div(a, b, 'z');
  }

  public static double sqrtDown(double a) {
    return sqrt(a, 'm');
  }

  public static double sqrtUp(double a) {
    return sqrt(a, 'p');
  }

  public static double sqrtZero(double a) {
    return sqrt(a, 'z');
  }
}
