package io.farwarp.ptx.corpus;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** Warps that go in step with no barrier. */
final class LegacyCases {
  private LegacyCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("legacy", "reduceLastWarp", LegacyCases::reduce),
        new CorpusCase("legacy", "scanWarps", LegacyCases::scan),
        new CorpusCase("legacy", "spmvWarps", LegacyCases::spmv),
        new CorpusCase("legacy", "histogramTagged", LegacyCases::histogram));
  }

  private static void reduce(Device device) throws Exception {
    int n = 2000;
    float[] in = Inputs.floats(1, n, -1, 1);
    for (int block : new int[] {256, 64}) {
      int blocks = (n + 2 * block - 1) / (2 * block);
      MemorySegment out = device.zeros(blocks * 4L);
      device
          .kernel("reduceLastWarp")
          .grid(blocks)
          .block(block)
          .shared(block * 4)
          .run(device.copy(in), out, n);
      double[] expected = new double[blocks];
      for (int i = 0; i < n; i++) {
        expected[i / (2 * block)] += in[i];
      }
      Expect.floats(expected, out, 1e-5);
    }
  }

  private static void scan(Device device) throws Exception {
    int n = 900;
    int block = 256;
    int[] in = Inputs.ints(2, n, -100, 100);
    MemorySegment out = device.zeros(n * 4L);
    device.kernel("scanWarps").grid(4).block(block).run(device.copy(in), out, n);
    int[] expected = new int[n];
    for (int i = 0; i < n; i++) {
      expected[i] = i % block == 0 ? 0 : expected[i - 1] + in[i - 1];
    }
    Expect.ints(expected, out);
  }

  private static void spmv(Device device) throws Exception {
    int n = 60;
    int[] rows = new int[n + 1];
    for (int row = 0; row < n; row++) {
      rows[row + 1] = rows[row] + row * 37 % 71;
    }
    int[] columns = Inputs.ints(3, rows[n], 0, n);
    double[] values = Inputs.doubles(4, rows[n], -1, 1);
    double[] x = Inputs.doubles(5, n, -1, 1);
    MemorySegment y = device.zeros(n * 8L);
    device
        .kernel("spmvWarps")
        .grid(3)
        .block(128)
        .run(device.copy(rows), device.copy(columns), device.copy(values), device.copy(x), y, n);
    double[] expected = new double[n];
    for (int row = 0; row < n; row++) {
      for (int k = rows[row]; k < rows[row + 1]; k++) {
        expected[row] += values[k] * x[columns[k]];
      }
    }
    Expect.doubles(expected, y, 1e-13);
  }

  private static void histogram(Device device) throws Exception {
    byte[] in = Inputs.bytes(6, 5000);
    Arrays.fill(in, 1000, 1500, (byte) 7);
    MemorySegment bins = device.zeros(64 * 4L);
    device.kernel("histogramTagged").grid(3).block(128).run(device.copy(in), bins, in.length);
    int[] expected = new int[64];
    for (byte value : in) {
      expected[value & 63]++;
    }
    Expect.ints(expected, bins);
  }
}
