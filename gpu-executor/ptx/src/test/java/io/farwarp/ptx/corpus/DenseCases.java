package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** Matrices: products, transposition, factors, elimination. */
final class DenseCases {
  private DenseCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("dense", "sgemmTiled", DenseCases::sgemm),
        new CorpusCase("dense", "dgemmRegisters", DenseCases::dgemm),
        new CorpusCase("dense", "transposeTiled", DenseCases::transpose),
        new CorpusCase("dense", "luPivoted", DenseCases::lu),
        new CorpusCase("dense", "gauss", DenseCases::gauss),
        new CorpusCase("dense", "choleskyBatched", DenseCases::cholesky),
        new CorpusCase("dense", "triangularSolve", DenseCases::triangularSolve));
  }

  /** The product of an {@code m x k} and a {@code k x n} matrix. */
  private static double[] product(double[] a, double[] b, int m, int n, int k) {
    double[] c = new double[m * n];
    for (int row = 0; row < m; row++) {
      for (int i = 0; i < k; i++) {
        for (int column = 0; column < n; column++) {
          c[row * n + column] += a[row * k + i] * b[i * n + column];
        }
      }
    }
    return c;
  }

  private static void sgemm(Device device) throws Exception {
    int m = 50;
    int n = 37;
    int k = 41;
    float[] a = Inputs.floats(1, m * k, -1, 1);
    float[] b = Inputs.floats(2, k * n, -1, 1);
    float[] c = Inputs.floats(3, m * n, -1, 1);
    MemorySegment out = device.copy(c);
    device
        .kernel("sgemmTiled")
        .grid(3, 4, 1)
        .block(16, 16, 1)
        .run(m, n, k, 0.5f, device.copy(a), device.copy(b), 2f, out);
    double[] expected = product(Inputs.widened(a), Inputs.widened(b), m, n, k);
    for (int i = 0; i < m * n; i++) {
      expected[i] = 0.5 * expected[i] + 2 * c[i];
    }
    Expect.floats(expected, out, 1e-5);
  }

  private static void dgemm(Device device) throws Exception {
    int m = 64;
    int n = 96;
    int k = 40;
    double[] a = Inputs.doubles(4, m * k, -1, 1);
    double[] b = Inputs.doubles(5, k * n, -1, 1);
    MemorySegment out = device.zeros(m * n * 8L);
    device
        .kernel("dgemmRegisters")
        .grid(3, 2, 1)
        .block(8, 8, 1)
        .run(m, n, k, device.copy(a), device.copy(b), out);
    Expect.doubles(product(a, b, m, n, k), out, 1e-13);
  }

  private static void transpose(Device device) throws Exception {
    int width = 75;
    int height = 45;
    float[] in = Inputs.floats(6, width * height, -1, 1);
    MemorySegment out = device.zeros(in.length * 4L);
    device
        .kernel("transposeTiled")
        .grid(3, 2, 1)
        .block(32, 8, 1)
        .run(device.copy(in), out, width, height);
    double[] expected = new double[in.length];
    for (int i = 0; i < in.length; i++) {
      expected[i % width * height + i / width] = in[i];
    }
    Expect.floats(expected, out, 0);
  }

  private static void lu(Device device) throws Exception {
    int n = 45;
    float[] a = Inputs.floats(7, n * n, -1, 1);
    MemorySegment factors = device.copy(a);
    MemorySegment pivots = device.zeros(n * 4L);
    device.kernel("luPivoted").block(64).run(factors, pivots, n);
    double[] lower = Inputs.widened(Device.floats(factors));
    double[] upper = lower.clone();
    for (int i = 0; i < n * n; i++) {
      if (i % n < i / n) {
        upper[i] = 0;
      } else {
        lower[i] = i % n == i / n ? 1 : 0;
      }
    }
    double[] permuted = Inputs.widened(a);
    int[] rows = Device.ints(pivots);
    for (int k = 0; k < n; k++) {
      for (int column = 0; column < n; column++) {
        double moved = permuted[k * n + column];
        permuted[k * n + column] = permuted[rows[k] * n + column];
        permuted[rows[k] * n + column] = moved;
      }
    }
    Expect.near(permuted, product(lower, upper, n, n, n), 1e-4);
    for (double factor : lower) {
      assertEquals(0, factor, 1);
    }
  }

  private static void gauss(Device device) throws Exception {
    int n = 37;
    float[] matrix = Inputs.narrowed(Inputs.dominant(8, n));
    double[] x = Inputs.doubles(9, n, -1, 1);
    float[] right = Inputs.narrowed(product(Inputs.widened(matrix), x, n, 1, n));
    MemorySegment a = device.copy(matrix);
    MemorySegment b = device.copy(right);
    MemorySegment factors = device.zeros(n * n * 4L);
    for (int column = 0; column < n - 1; column++) {
      device.kernel("gaussFactors").grid(3).block(16).run(a, factors, n, column);
      device.kernel("gaussEliminate").grid(5, 10, 1).block(8, 4, 1).run(a, b, factors, n, column);
    }
    float[] reduced = Device.floats(a);
    float[] rest = Device.floats(b);
    double[] solution = new double[n];
    for (int i = n - 1; i >= 0; i--) {
      double sum = rest[i];
      for (int j = i + 1; j < n; j++) {
        sum -= reduced[i * n + j] * solution[j];
      }
      solution[i] = sum / reduced[i * n + i];
    }
    Expect.near(x, solution, 1e-5);
  }

  private static void cholesky(Device device) throws Exception {
    int n = 20;
    int count = 5;
    double[] matrices = new double[count * n * n];
    double[][] factors = new double[count][];
    for (int k = 0; k < count; k++) {
      factors[k] = Inputs.dominant(10 + k, n);
      for (int i = 0; i < n * n; i++) {
        factors[k][i] = i % n > i / n ? 0 : factors[k][i];
      }
      double[] transposed = new double[n * n];
      for (int i = 0; i < n * n; i++) {
        transposed[i % n * n + i / n] = factors[k][i];
      }
      System.arraycopy(product(factors[k], transposed, n, n, n), 0, matrices, k * n * n, n * n);
    }
    MemorySegment memory = device.copy(matrices);
    device.kernel("choleskyBatched").grid(count).block(32).shared(n * n * 8).run(memory, n);
    double[] out = Device.doubles(memory);
    for (int k = 0; k < count; k++) {
      double[] actual = new double[n * n];
      System.arraycopy(out, k * n * n, actual, 0, n * n);
      Expect.near(factors[k], actual, 1e-12);
    }
  }

  private static void triangularSolve(Device device) throws Exception {
    int n = 48;
    int sides = 70;
    float[] lower = Inputs.narrowed(Inputs.dominant(15, n));
    float[] right = Inputs.floats(16, n * sides, -1, 1);
    MemorySegment out = device.zeros(n * sides * 4L);
    device
        .kernel("triangularSolve")
        .grid(3)
        .block(32)
        .run(device.copy(lower), device.copy(right), out, n, sides);
    double[] expected = new double[n * sides];
    for (int side = 0; side < sides; side++) {
      for (int i = 0; i < n; i++) {
        double sum = right[i * sides + side];
        for (int j = 0; j < i; j++) {
          sum -= lower[i * n + j] * expected[j * sides + side];
        }
        expected[i * sides + side] = sum / lower[i * n + i];
      }
    }
    Expect.floats(expected, out, 1e-6);
  }
}
