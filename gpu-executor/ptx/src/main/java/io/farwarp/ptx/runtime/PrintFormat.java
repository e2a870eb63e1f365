package io.farwarp.ptx.runtime;

import java.nio.charset.StandardCharsets;

/**
 * C's {@code printf}, as device code may call it: all conversions but {@code %n}, with flags,
 * width, precision, {@code *} and lengths. Text is held as one character for each byte until the
 * end, when it is read as UTF-8.
 */
final class PrintFormat {
  /** Widths and precisions above this are cut to it. */
  private static final int MAX_WIDTH = 4096;

  /** Longest text that one call makes. */
  private static final int MAX_CHARS = 1 << 16;

  /** What the arguments are read from. */
  interface Arguments {
    /** The next argument of 4 or 8 bytes, each at a multiple of its size; 4 are sign-extended. */
    long next(int sizeBytes);

    /** The characters at a generic address, up to a zero or a limit. */
    String text(long address);
  }

  private final String format;
  private final Arguments arguments;
  private final StringBuilder out = new StringBuilder();
  private int at;
  private int converted;

  // The directive being read.
  private boolean left;
  private boolean plus;
  private boolean space;
  private boolean alternate;
  private boolean zero;
  private int width;
  private int precision;
  private String length = "";

  private PrintFormat(String format, Arguments arguments) {
    this.format = format;
    this.arguments = arguments;
  }

  /** What a call prints, and how many arguments it used. */
  record Printed(String text, int arguments) {}

  static Printed print(String format, Arguments arguments) {
    PrintFormat print = new PrintFormat(format, arguments);
    print.run();
    if (print.out.length() > MAX_CHARS) {
      print.out.setLength(MAX_CHARS);
    }
    byte[] bytes = print.out.toString().getBytes(StandardCharsets.ISO_8859_1);
    return new Printed(new String(bytes, StandardCharsets.UTF_8), print.converted);
  }

  private void run() {
    while (at < format.length() && out.length() < MAX_CHARS) {
      char c = format.charAt(at++);
      if (c != '%') {
        out.append(c);
      } else if (at < format.length() && format.charAt(at) == '%') {
        out.append('%');
        at++;
      } else {
        directive();
      }
    }
  }

  private char peek() {
    return at < format.length() ? format.charAt(at) : 0;
  }

  private void directive() {
    int start = at - 1;
    flags();
    width = number(0);
    if (width < 0) {
      left = true;
      width = Math.min(-width, MAX_WIDTH);
    }
    precision = -1;
    if (peek() == '.') {
      at++;
      precision = number(0);
    }
    int letters = at;
    while ("hlLqjzt".indexOf(peek()) >= 0 && peek() != 0) {
      at++;
    }
    length = format.substring(letters, at);
    char conversion = peek();
    if (conversion != 0 && convert(conversion)) {
      at++;
      converted++;
    } else {
      // Not a directive: printed as it stands.
      out.append(format, start, at);
    }
  }

  private void flags() {
    left = plus = space = alternate = zero = false;
    while (true) {
      switch (peek()) {
        case '-' -> left = true;
        case '+' -> plus = true;
        case ' ' -> space = true;
        case '#' -> alternate = true;
        case '0' -> zero = true;
        default -> {
          return;
        }
      }
      at++;
    }
  }

  /** A width or precision: digits, or an argument for {@code *}, within the limits. */
  private int number(int otherwise) {
    if (peek() == '*') {
      at++;
      converted++;
      return Math.clamp(arguments.next(4), -MAX_WIDTH, MAX_WIDTH);
    }
    int value = otherwise;
    while (peek() >= '0' && peek() <= '9') {
      value = Math.min(value * 10 + (format.charAt(at++) - '0'), MAX_WIDTH);
    }
    return value;
  }

  private boolean convert(char conversion) {
    switch (conversion) {
      case 'd', 'i' -> signed();
      case 'u', 'o', 'x', 'X' -> unsigned(conversion);
      case 'c' -> pad("", String.valueOf((char) (arguments.next(4) & 0xFF)), false);
      case 's' -> {
        String text = arguments.text(arguments.next(8));
        boolean cut = precision >= 0 && precision < text.length();
        pad("", cut ? text.substring(0, precision) : text, false);
      }
      case 'p' -> {
        long pointer = arguments.next(8);
        pad("", pointer == 0 ? "(nil)" : "0x" + Long.toHexString(pointer), false);
      }
      case 'f', 'F', 'e', 'E', 'g', 'G', 'a', 'A' -> floating(conversion);
      default -> {
        return false;
      }
    }
    return true;
  }

  private long integer() {
    return switch (length) {
      case "" -> arguments.next(4);
      case "h" -> (short) arguments.next(4);
      case "hh" -> (byte) arguments.next(4);
      default -> arguments.next(8);
    };
  }

  private void signed() {
    long value = integer();
    String digits = value < 0 ? Long.toUnsignedString(-value) : Long.toString(value);
    integer(sign(value < 0), value == 0 && precision == 0 ? "" : digits);
  }

  private void unsigned(char conversion) {
    long value = integer();
    switch (length) {
      case "" -> value &= 0xFFFF_FFFFL;
      case "h" -> value &= 0xFFFFL;
      case "hh" -> value &= 0xFFL;
      default -> {
        // All 64 bits count.
      }
    }
    String digits =
        switch (conversion) {
          case 'o' -> Long.toOctalString(value);
          case 'x' -> Long.toHexString(value);
          case 'X' -> Long.toHexString(value).toUpperCase(java.util.Locale.ROOT);
          default -> Long.toUnsignedString(value);
        };
    if (value == 0 && precision == 0) {
      digits = "";
    }
    if (alternate && conversion == 'o' && !digits.startsWith("0")) {
      digits = "0" + digits;
    }
    boolean prefixed = alternate && value != 0 && (conversion == 'x' || conversion == 'X');
    integer(prefixed ? "0" + conversion : "", digits);
  }

  private void integer(String prefix, String digits) {
    String filled = "0".repeat(Math.max(0, precision - digits.length())) + digits;
    pad(prefix, filled, zero && precision < 0);
  }

  private String sign(boolean negative) {
    return negative ? "-" : plus ? "+" : space ? " " : "";
  }

  private void floating(char conversion) {
    double value = Double.longBitsToDouble(arguments.next(8));
    boolean upper = Character.isUpperCase(conversion);
    String sign = sign(Double.doubleToRawLongBits(value) < 0);
    String digits;
    boolean filled = zero;
    if (Double.isFinite(value)) {
      double magnitude = Math.abs(value);
      char lower = Character.toLowerCase(conversion);
      if (lower == 'a') {
        sign += "0x";
      }
      digits = FloatText.of(magnitude, lower, precision, alternate);
    } else {
      digits = Double.isNaN(value) ? "nan" : "inf";
      filled = false;
    }
    if (upper) {
      digits = digits.toUpperCase(java.util.Locale.ROOT);
      sign = sign.toUpperCase(java.util.Locale.ROOT);
    }
    pad(sign, digits, filled);
  }

  private void pad(String prefix, String body, boolean zeros) {
    int missing = Math.max(0, width - prefix.length() - body.length());
    if (left) {
      out.append(prefix).append(body).append(" ".repeat(missing));
    } else if (zeros) {
      out.append(prefix).append("0".repeat(missing)).append(body);
    } else {
      out.append(" ".repeat(missing)).append(prefix).append(body);
    }
  }
}
