package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Compares what a kernel left in memory with the reference. */
final class Expect {
  private Expect() {}

  /**
   * Every element within {@code bound} of the reference, relative to the larger of its magnitude
   * and 1.
   */
  static void near(double[] expected, float[] actual, double bound) {
    near(expected, Inputs.widened(actual), bound);
  }

  static void near(double[] expected, double[] actual, double bound) {
    assertEquals(expected.length, actual.length);
    for (int i = 0; i < expected.length; i++) {
      double allowed = bound * Math.max(1, Math.abs(expected[i]));
      assertEquals(expected[i], actual[i], allowed, "element " + i);
    }
  }

  static void floats(double[] expected, MemorySegment actual, double bound) {
    near(expected, Device.floats(actual), bound);
  }

  static void doubles(double[] expected, MemorySegment actual, double bound) {
    near(expected, Device.doubles(actual), bound);
  }

  static void ints(int[] expected, MemorySegment actual) {
    int[] values = Device.ints(actual);
    assertEquals(expected.length, values.length);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], values[i], "element " + i);
    }
  }

  static void longs(long[] expected, MemorySegment actual) {
    long[] values = Device.longs(actual);
    assertEquals(expected.length, values.length);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], values[i], "element " + i);
    }
  }

  static void shorts(short[] expected, MemorySegment actual) {
    short[] values = actual.toArray(ValueLayout.JAVA_SHORT);
    assertEquals(expected.length, values.length);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], values[i], "element " + i);
    }
  }

  static void bytes(byte[] expected, MemorySegment actual) {
    byte[] values = Device.bytes(actual);
    assertEquals(expected.length, values.length);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], values[i], "element " + i);
    }
  }
}
