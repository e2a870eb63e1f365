package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.ptx.PtxFault;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** What CUDA offers: grids, kinds of memory, a heap, output, assertions. */
final class PlatformCases {
  private PlatformCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("language", "indices", PlatformCases::indices),
        new CorpusCase("language", "sharedArrays", PlatformCases::sharedArrays),
        new CorpusCase("language", "variables", PlatformCases::variables),
        new CorpusCase("language", "report", PlatformCases::report),
        new CorpusCase("language", "asserting", PlatformCases::asserting),
        new CorpusCase("language", "heapList", PlatformCases::heapList),
        new CorpusCase("language", "heapTrees", PlatformCases::heapTrees));
  }

  private static void indices(Device device) throws Exception {
    int x = 11;
    int y = 7;
    int z = 9;
    MemorySegment size = MemorySegment.ofArray(new int[] {x, y, z});
    MemorySegment out = device.zeros(x * y * z * 4L);
    device.kernel("indices").grid(3, 4, 2).block(4, 2, 5).run(out, size);
    int[] expected = new int[x * y * z];
    for (int i = 0; i < expected.length; i++) {
      int px = i % x;
      int py = i / x % y;
      int pz = i / x / y;
      int block = (pz / 5 * 4 + py / 2) * 3 + px / 4;
      expected[i] = block * 1000 + (pz % 5 * 2 + py % 2) * 4 + px % 4;
    }
    Expect.ints(expected, out);
  }

  private static void sharedArrays(Device device) throws Exception {
    int n = 75;
    int[] in = Inputs.ints(8, n, -100_000, 100_000);
    MemorySegment out = device.zeros(n * 8L);
    device.kernel("sharedArrays").block(n).shared(n * 15).run(device.copy(in), out, n);
    byte[] bytes = new byte[n];
    for (int t = 0; t < n; t++) {
      bytes[t * 7 % n] = (byte) in[t];
    }
    double[] expected = new double[n];
    for (int t = 0; t < n; t++) {
      int at = (t + n - 1) % n;
      double value = in[n - 1 - t] + 0.5 * (short) in[n - 1 - t];
      expected[at] = value + 0.25 * (bytes[t] & 0xFF) + in[t & 3];
    }
    Expect.doubles(expected, out, 0);
  }

  private static void variables(Device device) throws Exception {
    int n = 20;
    MemorySegment out = device.zeros((n + 1) * 8L);
    String[] words = {"zero", "one", "two", "three"};
    for (int turn = 0; turn < 2; turn++) {
      device.kernel("variables").block(n + 3).run(out, n);
      double[] expected = new double[n + 1];
      for (int t = 0; t < n; t++) {
        double x = t * 0.125;
        double sum = 0;
        for (int k = 0; k < 6; k++) {
          sum += Math.pow(-0.5 * x, k);
        }
        String word = words[t % 4];
        int entry = 6 - t % 6 + (t % 6 == 5 ? 10 * turn : 0);
        expected[t] = sum + word.length() * 100 + entry + word.charAt(word.length() - 1);
      }
      expected[n] = 5 + turn + 17;
      Expect.doubles(expected, out, 1e-14);
    }
  }

  private static void report(Device device) throws Exception {
    float[] values = {0.5f, -1234.5678f, 1e6f};
    String printed =
        device.kernel("report").grid(1).block(64).run(device.copy(values), 3).printed();
    StringBuilder expected = new StringBuilder();
    for (int i = 0; i < 3; i++) {
      expected.append(
          String.format(
              Locale.ROOT,
              "%d: %8.3f|%-6s|%5d|%c|%d|%x|%%|%e%n",
              i,
              values[i],
              i % 2 == 1 ? "odd" : "even",
              7 * i,
              'a' + i,
              1L << i * 20,
              i * 255,
              values[i]));
    }
    assertEquals(expected.toString(), printed);
  }

  private static void asserting(Device device) throws Exception {
    MemorySegment values = device.copy(1, 2, 3, 9, 4);
    device.kernel("asserting").block(5).run(values, 10);
    device.skipOnGpu("A failed assertion ends the process's CUDA");
    PtxFault fault =
        assertThrows(PtxFault.class, () -> device.kernel("asserting").block(5).run(values, 9));
    assertEquals(PtxFault.Kind.ASSERTION, fault.kind());
    assertTrue(String.valueOf(fault.getMessage()).contains("values[threadIdx.x] < limit"));
    device.kernel("asserting").block(5).run(values, 10);
  }

  private static void heapList(Device device) throws Exception {
    int n = 500;
    int[] ones = new int[n];
    Arrays.fill(ones, 1);
    for (int turn = 0; turn < 2; turn++) {
      MemorySegment seen = device.zeros(n * 4L);
      device.kernel("heapPush").grid(9).block(64).run(n);
      device.kernel("heapPop").run(seen);
      Expect.ints(ones, seen);
    }
  }

  private static void heapTrees(Device device) throws Exception {
    int threads = 40;
    int n = 30;
    MemorySegment depths = device.zeros(threads * 4L);
    device.kernel("heapTrees").block(threads).run(depths, n);
    int[] expected = new int[threads];
    for (int t = 0; t < threads; t++) {
      // Depths of the keys so far: one more than the deeper of its neighbours.
      TreeMap<Long, Integer> tree = new TreeMap<>(Map.of(0x80000000L, 1));
      int state = t + 1;
      for (int i = 0; i < n; i++) {
        state = state * 1664525 + 1013904223;
        long key = Integer.toUnsignedLong(state);
        var below = tree.floorEntry(key);
        var above = tree.higherEntry(key);
        int depth =
            1
                + Math.max(
                    below == null ? 0 : below.getValue(), above == null ? 0 : above.getValue());
        tree.put(key, depth);
      }
      expected[t] = Collections.max(tree.values());
    }
    Expect.ints(expected, depths);
  }
}
