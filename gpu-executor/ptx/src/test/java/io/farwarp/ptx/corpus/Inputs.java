package io.farwarp.ptx.corpus;

import java.util.Random;

/** Inputs that are the same in each run. */
final class Inputs {
  private Inputs() {}

  static float[] floats(int seed, int count, double low, double high) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (low + (high - low) * random.nextDouble());
    }
    return values;
  }

  static double[] doubles(int seed, int count, double low, double high) {
    return new Random(seed).doubles(count, low, high).toArray();
  }

  /** From {@code low} to below {@code high}. */
  static int[] ints(int seed, int count, int low, int high) {
    return new Random(seed).ints(count, low, high).toArray();
  }

  static byte[] bytes(int seed, int count) {
    byte[] values = new byte[count];
    new Random(seed).nextBytes(values);
    return values;
  }

  static double[] widened(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  /** Square, with a diagonal that outweighs its rows. */
  static double[] dominant(int seed, int size) {
    double[] matrix = doubles(seed, size * size, -1, 1);
    for (int i = 0; i < size; i++) {
      matrix[i * size + i] += size;
    }
    return matrix;
  }

  static float[] narrowed(double[] values) {
    float[] narrow = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      narrow[i] = (float) values[i];
    }
    return narrow;
  }
}
