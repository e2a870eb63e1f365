package io.farwarp.ptx.runtime;

/**
 * The numbers that stand for device functions in registers and memory. They lie where no process
 * has memory, so that reading through one faults.
 */
public final class FunctionAddress {
  private static final long FIRST = 0x7E00_0000_0000_0000L;
  private static final long STEP = 16;

  private FunctionAddress() {}

  /** The address of a module's n-th function. */
  public static long of(int number) {
    return FIRST + number * STEP;
  }

  /** The number of the function at an address, or -1. */
  public static int numberOf(long address) {
    long offset = address - FIRST;
    boolean known = offset >= 0 && offset < STEP * Integer.MAX_VALUE && offset % STEP == 0;
    return known ? (int) (offset / STEP) : -1;
  }
}
