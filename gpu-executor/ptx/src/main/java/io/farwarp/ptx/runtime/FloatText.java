package io.farwarp.ptx.runtime;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/** The digits of {@code %f}, {@code %e}, {@code %g} and {@code %a}, rounded to nearest even. */
final class FloatText {
  private static final int FRACTION_DIGITS = 13;

  private FloatText() {}

  /**
   * The text of a finite number that is not negative, without prefix.
   *
   * @param precision as C has it; below 0 for the conversion's own
   */
  static String of(double value, char conversion, int precision, boolean alternate) {
    return switch (conversion) {
      case 'f' -> fixed(new BigDecimal(value), precision < 0 ? 6 : precision, alternate);
      case 'e' -> exponential(value, precision < 0 ? 6 : precision, alternate);
      case 'g' -> general(value, precision < 0 ? 6 : Math.max(1, precision), alternate);
      default -> hexadecimal(value, precision, alternate);
    };
  }

  private static String fixed(BigDecimal value, int precision, boolean alternate) {
    String text = value.setScale(precision, RoundingMode.HALF_EVEN).toPlainString();
    return alternate && precision == 0 ? text + "." : text;
  }

  /** The decimal exponent after rounding to a number of significant digits. */
  private static int exponent(BigDecimal rounded) {
    return rounded.precision() - rounded.scale() - 1;
  }

  private static BigDecimal round(double value, int digits) {
    return new BigDecimal(value).round(new MathContext(digits, RoundingMode.HALF_EVEN));
  }

  private static String exponential(double value, int precision, boolean alternate) {
    BigDecimal rounded = round(value, precision + 1);
    int exponent = value == 0 ? 0 : exponent(rounded);
    String mantissa = fixed(rounded.movePointLeft(exponent), precision, alternate);
    String sign = exponent < 0 ? "-" : "+";
    int magnitude = Math.abs(exponent);
    return mantissa + "e" + sign + (magnitude < 10 ? "0" : "") + magnitude;
  }

  private static String general(double value, int precision, boolean alternate) {
    BigDecimal rounded = round(value, precision);
    int exponent = value == 0 ? 0 : exponent(rounded);
    if (exponent >= -4 && exponent < precision) {
      String text = fixed(rounded, precision - 1 - exponent, alternate);
      return alternate ? text : trim(text);
    }
    String text = exponential(value, precision - 1, alternate);
    int e = text.indexOf('e');
    return alternate ? text : trim(text.substring(0, e)) + text.substring(e);
  }

  private static String trim(String text) {
    return text.indexOf('.') < 0 ? text : text.replaceFirst("\\.?0*$", "");
  }

  /** As the C library of Linux: a leading 1, or 0 for subnormal numbers. */
  private static String hexadecimal(double value, int precision, boolean alternate) {
    long bits = Double.doubleToRawLongBits(value);
    long fraction = bits & ((1L << 52) - 1);
    int exponent = (int) (bits >>> 52);
    long lead = exponent == 0 ? 0 : 1;
    int power = value == 0 ? 0 : Math.max(exponent, 1) - 1023;
    int digits = FRACTION_DIGITS;
    if (precision >= 0 && precision < FRACTION_DIGITS) {
      int cut = 4 * (FRACTION_DIGITS - precision);
      long whole = (lead << 52) | fraction;
      long kept = whole >>> cut;
      long rest = whole & ((1L << cut) - 1);
      long half = 1L << (cut - 1);
      if (rest > half || (rest == half && (kept & 1) != 0)) {
        kept++;
      }
      lead = kept >>> (4 * precision);
      fraction = kept & ((1L << (4 * precision)) - 1);
      digits = precision;
    }
    StringBuilder text = new StringBuilder();
    for (int i = digits - 1; i >= 0; i--) {
      text.append(Character.forDigit((int) (fraction >>> (4 * i)) & 15, 16));
    }
    if (precision < 0) {
      while (!text.isEmpty() && text.charAt(text.length() - 1) == '0') {
        text.setLength(text.length() - 1);
      }
    } else {
      text.append("0".repeat(Math.max(0, precision - FRACTION_DIGITS)));
    }
    String point = text.isEmpty() && !alternate ? "" : ".";
    return lead + point + text + "p" + (power < 0 ? "-" : "+") + Math.abs(power);
  }
}
