package io.farwarp.cli;

import com.google.errorprone.annotations.FormatMethod;
import java.util.Locale;

/** Numbers as people read them. */
public final class Quantities {
  private static final String[] BYTE_UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};

  private Quantities() {}

  /** {@code 229 MiB}. */
  public static String bytes(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
      value /= 1024;
      unit++;
    }
    return (value >= 10 || unit == 0 ? format("%.0f ", value) : format("%.1f ", value))
        + BYTE_UNITS[unit];
  }

  /** {@code 12.3 ms}, with the unit that fits. */
  public static String duration(double seconds) {
    if (seconds < 1e-3) {
      return format("%.1f us", seconds * 1e6);
    }
    return seconds < 1 ? format("%.1f ms", seconds * 1e3) : format("%.2f s", seconds);
  }

  /** {@link String#format} the same way in every country. */
  @FormatMethod
  public static String format(String pattern, Object... arguments) {
    return String.format(Locale.ROOT, pattern, arguments);
  }
}
