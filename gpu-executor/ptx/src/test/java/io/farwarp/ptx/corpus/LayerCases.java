package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/** Layers of neural networks in single precision, and their training. */
final class LayerCases {
  private LayerCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("learning", "softmaxRows", LayerCases::softmax),
        new CorpusCase("learning", "layerNorm", LayerCases::layerNorm),
        new CorpusCase("learning", "attention", LayerCases::attention),
        new CorpusCase("learning", "denseLayer", LayerCases::dense),
        new CorpusCase("learning", "quantisedProduct", LayerCases::quantised),
        new CorpusCase("learning", "adamStep", LayerCases::adam));
  }

  private static void softmax(Device device) throws Exception {
    int rows = 7;
    int columns = 150;
    float[] in = Inputs.floats(1, rows * columns, -20, 20);
    in[3] = Float.NEGATIVE_INFINITY;
    MemorySegment out = device.zeros(in.length * 4L);
    device.kernel("softmaxRows").grid(rows).block(96).run(device.copy(in), out, columns);
    double[] expected = new double[in.length];
    for (int row = 0; row < rows; row++) {
      double sum = 0;
      for (int i = row * columns; i < (row + 1) * columns; i++) {
        expected[i] = Math.exp(in[i]);
        sum += expected[i];
      }
      for (int i = row * columns; i < (row + 1) * columns; i++) {
        expected[i] /= sum;
      }
    }
    Expect.floats(expected, out, 1e-6);
  }

  private static void layerNorm(Device device) throws Exception {
    int rows = 10;
    float epsilon = 1e-5f;
    for (int columns : new int[] {70, 20}) {
      float[] in = Inputs.floats(2, rows * columns, 3, 7);
      float[] gain = Inputs.floats(3, columns, 0.5, 1.5);
      float[] bias = Inputs.floats(4, columns, -1, 1);
      MemorySegment out = device.zeros(in.length * 4L);
      MemorySegment deviations = device.zeros(rows * 4L);
      device
          .kernel("layerNorm")
          .grid(3)
          .block(32, 4, 1)
          .run(
              device.copy(in),
              device.copy(gain),
              device.copy(bias),
              out,
              deviations,
              rows,
              columns,
              epsilon);
      double[] expected = new double[in.length];
      double[] expectedDeviations = new double[rows];
      for (int row = 0; row < rows; row++) {
        double mean = 0;
        double squares = 0;
        for (int i = 0; i < columns; i++) {
          mean += in[row * columns + i] / (double) columns;
        }
        for (int i = 0; i < columns; i++) {
          squares += Math.pow(in[row * columns + i] - mean, 2);
        }
        double deviation = Math.sqrt(squares / columns + epsilon);
        expectedDeviations[row] = deviation;
        for (int i = 0; i < columns; i++) {
          int at = row * columns + i;
          expected[at] = (in[at] - mean) / deviation * gain[i] + bias[i];
        }
      }
      Expect.floats(expected, out, 1e-5);
      Expect.floats(expectedDeviations, deviations, 1e-6);
    }
  }

  private static void attention(Device device) throws Exception {
    int heads = 2;
    int length = 75;
    int size = 64;
    float scale = 0.125f;
    float[] q = Inputs.floats(5, heads * length * size, -1, 1);
    float[] k = Inputs.floats(6, heads * length * size, -1, 1);
    float[] v = Inputs.floats(7, heads * length * size, -1, 1);
    MemorySegment out = device.zeros(q.length * 4L);
    device
        .kernel("attention")
        .grid((length + 3) / 4, heads, 1)
        .block(128)
        .run(device.copy(q), device.copy(k), device.copy(v), out, length, scale);
    double[] expected = new double[q.length];
    for (int row = 0; row < heads * length; row++) {
      double total = 0;
      for (int key = row / length * length; key <= row; key++) {
        double score = 0;
        for (int d = 0; d < size; d++) {
          score += (double) q[row * size + d] * k[key * size + d];
        }
        double weight = Math.exp(scale * score);
        total += weight;
        for (int d = 0; d < size; d++) {
          expected[row * size + d] += weight * v[key * size + d];
        }
      }
      for (int d = 0; d < size; d++) {
        expected[row * size + d] /= total;
      }
    }
    Expect.floats(expected, out, 1e-5);
  }

  /** The error function by its series, for small arguments. */
  private static double erf(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; n < 100; n++) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * sum;
  }

  private static void dense(Device device) throws Exception {
    List<DoubleUnaryOperator> activations =
        List.of(
            x -> Math.max(x, 0),
            x -> 0.5 * x * (1 + erf(x / Math.sqrt(2))),
            x -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
            Math::tanh,
            x -> x / (1 + Math.exp(-x)),
            x -> Math.log1p(Math.exp(x)));
    int batch = 3;
    int inputs = 32;
    int outputs = 50;
    float[] in = Inputs.floats(8, batch * inputs, -1, 1);
    float[] weights = Inputs.floats(9, outputs * inputs, -1, 1);
    float[] bias = Inputs.floats(10, outputs, -1, 1);
    for (int kind = 0; kind < activations.size(); kind++) {
      MemorySegment out = device.zeros(batch * outputs * 4L);
      device
          .kernel("denseLayer")
          .grid(2, batch, 1)
          .block(32)
          .run(
              device.copy(in),
              device.copy(weights),
              device.copy(bias),
              out,
              batch,
              inputs,
              outputs,
              kind);
      double[] expected = new double[batch * outputs];
      for (int i = 0; i < expected.length; i++) {
        double sum = bias[i % outputs];
        for (int j = 0; j < inputs; j++) {
          sum += (double) in[i / outputs * inputs + j] * weights[i % outputs * inputs + j];
        }
        expected[i] = activations.get(kind).applyAsDouble(sum);
      }
      Expect.floats(expected, out, 2e-6);
    }
  }

  private static void quantised(Device device) throws Exception {
    int rows = 9;
    int words = 40;
    byte[] weights = Inputs.bytes(11, rows * words * 4);
    float[] in = Inputs.floats(12, words * 4, -3, 3);
    float[] scales = Inputs.floats(13, rows, 0.001, 0.01);
    MemorySegment out = device.zeros(rows * 4L);
    device
        .kernel("quantisedProduct")
        .grid(4)
        .block(32)
        .shared(words * 4)
        .run(device.copy(weights), device.copy(in), out, device.copy(scales), rows, words);
    float most = 0;
    for (float x : in) {
      most = Math.max(most, Math.abs(x));
    }
    float scale = most / 127;
    float[] actual = Device.floats(out);
    for (int row = 0; row < rows; row++) {
      int sum = 0;
      for (int i = 0; i < in.length; i++) {
        sum += weights[row * in.length + i] * (int) Math.rint(in[i] / scale);
      }
      assertEquals(sum * scale * scales[row], actual[row], "row " + row);
    }
  }

  private static void adam(Device device) throws Exception {
    int n = 1000;
    float rate = 0.01f;
    float b1 = 0.9f;
    float b2 = 0.999f;
    float[] weights = Inputs.floats(14, n, -1, 1);
    MemorySegment moving = device.copy(weights);
    MemorySegment moments = device.zeros(n * 8L);
    double[] expected = Inputs.widened(weights);
    double[][] expectedMoments = new double[2][n];
    for (int step = 1; step <= 3; step++) {
      float[] gradients = Inputs.floats(20 + step, n, -1, 1);
      MemorySegment norm = device.zeros(8);
      device
          .kernel("adamStep")
          .grid(3)
          .block(96)
          .run(moving, device.copy(gradients), moments, norm, rate, b1, b2, step, n);
      double square = 0;
      for (int i = 0; i < n; i++) {
        double g = gradients[i];
        square += g * g;
        expectedMoments[0][i] = b1 * expectedMoments[0][i] + (1 - (double) b1) * g;
        expectedMoments[1][i] = b2 * expectedMoments[1][i] + (1 - (double) b2) * g * g;
        double first = expectedMoments[0][i] / (1 - Math.pow(b1, step));
        double second = expectedMoments[1][i] / (1 - Math.pow(b2, step));
        expected[i] -= rate * first / (Math.sqrt(second) + 1e-8);
      }
      assertEquals(square, Device.doubles(norm)[0], 1e-10);
    }
    // 1 - b2^step has lost ten bits.
    Expect.floats(expected, moving, 1e-5);
  }
}
