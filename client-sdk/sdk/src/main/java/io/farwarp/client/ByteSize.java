package io.farwarp.client;

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
}
