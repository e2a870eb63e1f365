package io.farwarp.ptx;

import java.math.BigDecimal;

/** Exact numbers rounded to a format in a direction: the reference for directed rounding. */
final class Rounding {
  private Rounding() {}

  static float toFloat(BigDecimal exact, char mode) {
    float nearest = exact.floatValue();
    if (mode == 'n' || exact.signum() == 0) {
      return nearest;
    }
    boolean down = mode == 'm' || (mode == 'z' && exact.signum() > 0);
    if (Float.isInfinite(nearest)) {
      return down == nearest > 0 ? Math.copySign(Float.MAX_VALUE, nearest) : nearest;
    }
    int order = new BigDecimal(nearest).compareTo(exact);
    float moved = nearest;
    if (order > 0 && down) {
      moved = Math.nextDown(nearest);
    } else if (order < 0 && !down) {
      moved = Math.nextUp(nearest);
    }
    return moved == 0 ? Math.copySign(moved, exact.signum()) : moved;
  }

  static double toDouble(BigDecimal exact, char mode) {
    double nearest = exact.doubleValue();
    if (mode == 'n' || exact.signum() == 0) {
      return nearest;
    }
    boolean down = mode == 'm' || (mode == 'z' && exact.signum() > 0);
    if (Double.isInfinite(nearest)) {
      return down == nearest > 0 ? Math.copySign(Double.MAX_VALUE, nearest) : nearest;
    }
    int order = new BigDecimal(nearest).compareTo(exact);
    double moved = nearest;
    if (order > 0 && down) {
      moved = Math.nextDown(nearest);
    } else if (order < 0 && !down) {
      moved = Math.nextUp(nearest);
    }
    return moved == 0 ? Math.copySign(moved, exact.signum()) : moved;
  }
}
