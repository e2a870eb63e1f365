package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A format of 16 bits, and how results in it are compared. */
enum Halves {
  F16(10, -14),
  BF16(7, -126);

  private final int fractionBits;
  private final int leastExponent;

  Halves(int fractionBits, int leastExponent) {
    this.fractionBits = fractionBits;
    this.leastExponent = leastExponent;
  }

  float value(short bits) {
    return this == F16 ? Float.float16ToFloat(bits) : Float.intBitsToFloat(bits << 16);
  }

  /** Rounds a bfloat16 towards zero, which is good enough for inputs. */
  short bits(float value) {
    return this == F16
        ? Float.floatToFloat16(value)
        : (short) (Float.floatToRawIntBits(value) >>> 16);
  }

  short[] inputs(int seed, int count, double low, double high) {
    float[] values = Inputs.floats(seed, count, low, high);
    short[] bits = new short[count];
    for (int i = 0; i < count; i++) {
      bits[i] = bits(values[i]);
    }
    return bits;
  }

  double[] widened(short[] bits) {
    double[] values = new double[bits.length];
    for (int i = 0; i < bits.length; i++) {
      values[i] = value(bits[i]);
    }
    return values;
  }

  /** One number, as the memory of a parameter. */
  MemorySegment parameter(float value) {
    return MemorySegment.ofArray(new short[] {bits(value)});
  }

  /** Every element within so many units in the last place of the exact result; NaN for NaN. */
  void near(double[] exact, MemorySegment actual, double units) {
    short[] values = actual.toArray(ValueLayout.JAVA_SHORT);
    assertEquals(exact.length, values.length);
    for (int i = 0; i < exact.length; i++) {
      near(exact[i], values[i], units, "element " + i);
    }
  }

  void near(double exact, short actual, double units, String message) {
    double value = value(actual);
    double largest = Math.scalb(2 - Math.scalb(1.0, -fractionBits - 1), 1 - leastExponent);
    if (Math.abs(exact) >= largest) {
      assertEquals(Math.copySign(Double.POSITIVE_INFINITY, exact), value, message);
    } else {
      int exponent = Math.max(Math.getExponent(exact), leastExponent);
      assertEquals(exact, value, units * Math.scalb(1.0, exponent - fractionBits), message);
    }
  }
}
