package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Halves of both formats. */
final class HalfCases {
  /** A rounding, and a little more where the result was rounded to single precision before. */
  private static final double ROUNDED = 0.5 + 1e-3;

  private HalfCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("learning", "halfAxpy", device -> axpy(device, Halves.F16, "halfAxpy")),
        new CorpusCase("learning", "bfloatAxpy", device -> axpy(device, Halves.BF16, "bfloatAxpy")),
        new CorpusCase("learning", "halfGemm", device -> gemm(device, Halves.F16, "halfGemm")),
        new CorpusCase("learning", "bfloatGemm", device -> gemm(device, Halves.BF16, "bfloatGemm")),
        new CorpusCase("learning", "halfPairsGemm", HalfCases::pairsGemm),
        new CorpusCase("learning", "halfFunctions", HalfCases::functions));
  }

  private static void axpy(Device device, Halves format, String kernel) throws Exception {
    int n = 501;
    short[] x = format.inputs(1, n, -100, 100);
    short[] y = format.inputs(2, n, -100, 100);
    MemorySegment a = format.parameter(0.3f);
    MemorySegment out = device.copy(y);
    device.kernel(kernel).grid(4).block(64).run(a, device.copy(x), out, n);
    double factor = format.value(a.get(ValueLayout.JAVA_SHORT, 0));
    double[] expected = new double[n];
    for (int i = 0; i < n; i++) {
      expected[i] = Math.fma(factor, format.value(x[i]), format.value(y[i]));
    }
    format.near(expected, out, ROUNDED);
  }

  private static double[] product(double[] a, double[] b, int m, int n, int k) {
    double[] c = new double[m * n];
    for (int i = 0; i < m * n; i++) {
      for (int j = 0; j < k; j++) {
        c[i] += a[i / n * k + j] * b[j * n + i % n];
      }
    }
    return c;
  }

  private static void gemm(Device device, Halves format, String kernel) throws Exception {
    int m = 35;
    int n = 27;
    int k = 41;
    float alpha = 0.5f;
    float beta = 2;
    short[] a = format.inputs(3, m * k, -1, 1);
    short[] b = format.inputs(4, k * n, -1, 1);
    short[] c = format.inputs(5, m * n, -1, 1);
    MemorySegment out = device.copy(c);
    device
        .kernel(kernel)
        .grid(2, 3, 1)
        .block(16, 16, 1)
        .run(device.copy(a), device.copy(b), out, m, n, k, alpha, beta);
    double[] expected = product(format.widened(a), format.widened(b), m, n, k);
    for (int i = 0; i < m * n; i++) {
      expected[i] = alpha * expected[i] + beta * format.value(c[i]);
    }
    // Where terms cancel, the errors of the sum in single precision are more units of the result.
    double[] actual = format.widened(out.toArray(ValueLayout.JAVA_SHORT));
    Expect.near(expected, actual, format == Halves.F16 ? 0x1.1p-11 : 0x1.1p-8);
  }

  private static void pairsGemm(Device device) throws Exception {
    int m = 9;
    int n = 22;
    int k = 8;
    short[] a = Halves.F16.inputs(6, m * k, 0.1, 1);
    short[] b = Halves.F16.inputs(7, k * n, 0.1, 1);
    MemorySegment out = device.zeros(m * n * 2L);
    device
        .kernel("halfPairsGemm")
        .grid(2, 3, 1)
        .block(8, 4, 1)
        .run(device.copy(a), device.copy(b), out, m, n / 2, k);
    double[] expected = product(Halves.F16.widened(a), Halves.F16.widened(b), m, n, k);
    // A rounding for each term, none larger than one of the sum.
    Halves.F16.near(expected, out, 0.5 * k);
  }

  private static void functions(Device device) throws Exception {
    int n = 300;
    short[] in = Halves.F16.inputs(8, n, -5, 5);
    float[] special = {
      Float.NaN, 1, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0x1p-24f, -0.0f, 65504, 2.5f
    };
    for (int i = 0; i < special.length; i++) {
      in[i] = Halves.F16.bits(special[i]);
    }
    in[100] = in[101];
    MemorySegment out = device.zeros(n * 24L);
    MemorySegment integers = device.zeros(n * 12L);
    device.kernel("halfFunctions").grid(5).block(64).run(device.copy(in), out, integers, n);
    short[] actual = out.toArray(ValueLayout.JAVA_SHORT);
    int[] expectedIntegers = new int[3 * n];
    for (int i = 0; i < n; i++) {
      float x = Halves.F16.value(in[i]);
      float y = Halves.F16.value(in[(i + 1) % n]);
      checkFunctions(x, y, actual, 12 * i);
      int whole = (int) Math.rint(x);
      int cut = Math.clamp((int) y, Short.MIN_VALUE, Short.MAX_VALUE);
      expectedIntegers[3 * i] = whole * 1000 + cut;
      expectedIntegers[3 * i + 1] = (x > y ? 0xFFFF : 0) | (y > x ? 0xFFFF0000 : 0);
      expectedIntegers[3 * i + 2] = x == y ? 1 : Float.isNaN(x - y) ? 2 : 3;
    }
    Expect.ints(expectedIntegers, integers);
  }

  private static float rounded(float value) {
    return Float.float16ToFloat(Float.floatToFloat16(value));
  }

  /** The greater number; a NaN only of two. */
  private static float greater(float a, float b) {
    return Float.isNaN(a) ? b : Float.isNaN(b) ? a : Math.max(a, b);
  }

  private static void checkFunctions(float x, float y, short[] actual, int at) {
    double[] approximate = {Math.exp(x), Math.log(Math.abs(x)), Math.sqrt(Math.abs(x)), 1.0 / x};
    String inputs = " of " + x + ", " + y;
    for (int k = 0; k < approximate.length; k++) {
      Halves.F16.near(approximate[k], actual[at + k], 1, "function " + k + inputs);
    }
    Halves.F16.near(Math.tanh(x), actual[at + 4], 1, "tanh" + inputs);
    Halves.F16.near((double) x / y, actual[at + 5], ROUNDED, "quotient" + inputs);
    float sum = x + y;
    float saturated = Float.isNaN(sum) ? 0 : rounded(Math.clamp(sum, 0.0f, 1.0f));
    float[] exact = {greater(x, -y), saturated, (float) Math.rint(x)};
    for (int k = 0; k < exact.length; k++) {
      assertEquals(exact[k], Halves.F16.value(actual[at + 6 + k]), "result " + (6 + k) + inputs);
    }
    double floor = Math.floor(rounded(x * y));
    assertEquals(floor, Halves.F16.value(actual[at + 9]), "floor" + inputs);
    double wave = x < y ? Math.sin(x) : Math.cos(y);
    // Near the zeros of sine and cosine, units are smaller than the error.
    double bound = Double.isNaN(wave) ? 0 : 0x1p-10;
    assertEquals(wave, Halves.F16.value(actual[at + 10]), bound, "wave" + inputs);
    assertEquals(-x, Halves.F16.value(actual[at + 11]), "negative" + inputs);
  }
}
