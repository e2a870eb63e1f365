package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** Vectors, and matrices times vectors. */
final class VectorCases {
  private VectorCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("vectors", "streamTriad", VectorCases::triad),
        new CorpusCase("vectors", "saxpyVectors", VectorCases::saxpy),
        new CorpusCase("vectors", "dotDouble", VectorCases::dot),
        new CorpusCase("vectors", "gemver", VectorCases::gemver),
        new CorpusCase("vectors", "bicg", VectorCases::bicg),
        new CorpusCase("vectors", "ataxWarps", VectorCases::atax),
        new CorpusCase("vectors", "correlation", VectorCases::correlation));
  }

  private static void triad(Device device) throws Exception {
    int n = 10_007;
    double[] b = Inputs.doubles(1, n, -1, 1);
    double[] c = Inputs.doubles(2, n, -1, 1);
    MemorySegment a = device.zeros(n * 8L);
    device
        .kernel("streamTriad")
        .grid(7)
        .block(128)
        .run(a, device.copy(b), device.copy(c), 3.0, (long) n);
    double[] expected = new double[n];
    for (int i = 0; i < n; i++) {
      expected[i] = b[i] + 3 * c[i];
    }
    Expect.doubles(expected, a, 1e-15);
  }

  private static void saxpy(Device device) throws Exception {
    int n = 1004;
    float[] x = Inputs.floats(3, n, -1, 1);
    float[] y = Inputs.floats(4, n, -1, 1);
    MemorySegment out = device.copy(y);
    device.kernel("saxpyVectors").grid(4).block(64).run(out, device.copy(x), 0.3f, n);
    double[] expected = new double[n];
    for (int i = 0; i < n; i++) {
      expected[i] = Math.fma(0.3f, x[i], y[i]);
    }
    Expect.floats(expected, out, 0);
  }

  private static void dot(Device device) throws Exception {
    int n = 20_001;
    double[] x = Inputs.doubles(5, n, -1, 1);
    double[] y = Inputs.doubles(6, n, -1, 1);
    MemorySegment result = device.zeros(8);
    device.kernel("dotDouble").grid(5).block(192).run(device.copy(x), device.copy(y), result, n);
    double expected = 0;
    for (int i = 0; i < n; i++) {
      expected += x[i] * y[i];
    }
    assertEquals(expected, Device.doubles(result)[0], 1e-10);
  }

  private static void gemver(Device device) throws Exception {
    int n = 61;
    double[] a = Inputs.doubles(7, n * n, -1, 1);
    double[][] v = new double[6][];
    MemorySegment[] vectors = new MemorySegment[6];
    for (int i = 0; i < v.length; i++) {
      v[i] = Inputs.doubles(8 + i, n, -1, 1);
      vectors[i] = device.copy(v[i]);
    }
    MemorySegment matrix = device.copy(a);
    MemorySegment x = device.zeros(n * 8L);
    MemorySegment w = device.zeros(n * 8L);
    device
        .kernel("gemverRankTwo")
        .grid(2, 8, 1)
        .block(32, 8, 1)
        .run(matrix, vectors[0], vectors[1], vectors[2], vectors[3], n);
    device
        .kernel("gemverTransposed")
        .grid(2)
        .block(32)
        .run(matrix, x, vectors[4], vectors[5], 1.2, n);
    device.kernel("gemverProduct").grid(2).block(32).run(matrix, x, w, 1.5, n);
    double[] middle = v[5].clone();
    for (int i = 0; i < n * n; i++) {
      a[i] += v[0][i / n] * v[1][i % n] + v[2][i / n] * v[3][i % n];
      middle[i % n] += 1.2 * a[i] * v[4][i / n];
    }
    double[] expected = new double[n];
    for (int i = 0; i < n * n; i++) {
      expected[i / n] += 1.5 * a[i] * middle[i % n];
    }
    Expect.doubles(a, matrix, 1e-14);
    Expect.doubles(middle, x, 1e-12);
    Expect.doubles(expected, w, 1e-12);
  }

  private static void bicg(Device device) throws Exception {
    int rows = 70;
    int columns = 45;
    float[] a = Inputs.floats(20, rows * columns, -1, 1);
    float[] p = Inputs.floats(21, columns, -1, 1);
    float[] r = Inputs.floats(22, rows, -1, 1);
    MemorySegment matrix = device.copy(a);
    MemorySegment q = device.zeros(rows * 4L);
    MemorySegment s = device.zeros(columns * 4L);
    device.kernel("bicgRows").grid(3).block(32).run(matrix, device.copy(p), q, rows, columns);
    device.kernel("bicgColumns").grid(2).block(32).run(matrix, device.copy(r), s, rows, columns);
    double[] byRows = new double[rows];
    double[] byColumns = new double[columns];
    for (int i = 0; i < a.length; i++) {
      byRows[i / columns] += (double) a[i] * p[i % columns];
      byColumns[i % columns] += (double) a[i] * r[i / columns];
    }
    Expect.floats(byRows, q, 1e-5);
    Expect.floats(byColumns, s, 1e-5);
  }

  private static void atax(Device device) throws Exception {
    int rows = 50;
    int columns = 75;
    float[] a = Inputs.floats(23, rows * columns, -1, 1);
    float[] x = Inputs.floats(24, columns, -1, 1);
    MemorySegment y = device.zeros(columns * 4L);
    device
        .kernel("ataxWarps")
        .grid(13)
        .block(128)
        .run(device.copy(a), device.copy(x), y, rows, columns);
    double[] product = new double[rows];
    for (int i = 0; i < a.length; i++) {
      product[i / columns] += (double) a[i] * x[i % columns];
    }
    double[] expected = new double[columns];
    for (int i = 0; i < a.length; i++) {
      expected[i % columns] += a[i] * product[i / columns];
    }
    Expect.floats(expected, y, 1e-4);
  }

  private static void correlation(Device device) throws Exception {
    int rows = 80;
    int columns = 27;
    float[] in = Inputs.floats(25, rows * columns, -5, 5);
    // A column that hardly varies has its deviation replaced by 1.
    for (int i = 0; i < rows; i++) {
      in[i * columns + 3] *= 0.001f;
    }
    MemorySegment table = device.copy(in);
    MemorySegment mean = device.zeros(columns * 4L);
    MemorySegment deviation = device.zeros(columns * 4L);
    MemorySegment out = device.zeros(columns * columns * 4L);
    device.kernel("columnMoments").block(32).run(table, mean, deviation, rows, columns);
    device
        .kernel("standardise")
        .grid(2, 10, 1)
        .block(16, 8, 1)
        .run(table, mean, deviation, rows, columns);
    device.kernel("correlate").grid(2).block(16).run(table, out, rows, columns);
    double[][] standard = new double[columns][rows];
    for (int j = 0; j < columns; j++) {
      double sum = 0;
      double squares = 0;
      for (int i = 0; i < rows; i++) {
        sum += in[i * columns + j] / (double) rows;
      }
      for (int i = 0; i < rows; i++) {
        standard[j][i] = in[i * columns + j] - sum;
        squares += standard[j][i] * standard[j][i] / rows;
      }
      double divisor = Math.sqrt(squares) <= 0.1 ? 1 : Math.sqrt(squares);
      for (int i = 0; i < rows; i++) {
        standard[j][i] /= Math.sqrt(rows) * divisor;
      }
    }
    double[] expected = new double[columns * columns];
    for (int i = 0; i < expected.length; i++) {
      for (int row = 0; row < rows; row++) {
        expected[i] += standard[i / columns][row] * standard[i % columns][row];
      }
      expected[i] = i / columns == i % columns ? 1 : expected[i];
    }
    Expect.floats(expected, out, 1e-5);
  }
}
