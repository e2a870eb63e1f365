package io.farwarp.gateway.book;

import java.util.Locale;

/** Sizes for people: "512 B", "2.0 MiB", "96.0 GiB". */
final class Bytes {
  private Bytes() {}

  private static final String[] UNITS = {"KiB", "MiB", "GiB", "TiB", "PiB"};

  static String text(long bytes) {
    if (bytes < 1024) {
      return bytes + " B";
    }
    double value = bytes;
    int unit = -1;
    while (value >= 1024 && unit < UNITS.length - 1) {
      value /= 1024;
      unit++;
    }
    return String.format(Locale.ROOT, "%.1f %s", value, UNITS[unit]);
  }
}
