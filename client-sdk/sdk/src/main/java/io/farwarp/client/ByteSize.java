package io.farwarp.client;

import java.util.Locale;

/** Binary units of memory: {@code GIB.of(2)} is 2 GiB in bytes. */
public enum ByteSize {
  KIB(10),
  MIB(20),
  GIB(30),
  TIB(40);

  private final int shift;

  ByteSize(int shift) {
    this.shift = shift;
  }

  /** {@code count} of this unit in bytes; an {@link ArithmeticException} beyond 2^63-1. */
  public long of(long count) {
    return Math.multiplyExact(count, 1L << shift);
  }

  /** As people read it: {@code 229.0 MiB}. */
  public static String text(long bytes) {
    if (bytes < KIB.of(1)) {
      return bytes + " B";
    }
    ByteSize unit = KIB;
    for (ByteSize larger : values()) {
      unit = bytes >= larger.of(1) ? larger : unit;
    }
    String name = unit.name().charAt(0) + "iB";
    return String.format(Locale.ROOT, "%.1f %s", (double) bytes / unit.of(1), name);
  }
}
