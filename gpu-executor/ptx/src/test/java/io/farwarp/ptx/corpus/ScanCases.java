package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;

/** Scans, reductions, compaction, histograms. */
final class ScanCases {
  private ScanCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("scans", "scanBlelloch", ScanCases::blelloch),
        new CorpusCase("scans", "scanLookBack", ScanCases::lookBack),
        new CorpusCase("scans", "scanSegments", ScanCases::segments),
        new CorpusCase("scans", "reduceUnrolled", ScanCases::unrolled),
        new CorpusCase("scans", "reduceLastBlock", ScanCases::lastBlock),
        new CorpusCase("scans", "argMax", ScanCases::argMax),
        new CorpusCase("scans", "compactBallot", ScanCases::compact),
        new CorpusCase("scans", "histogramGlobal", device -> histogram(device, "histogramGlobal")),
        new CorpusCase("scans", "histogramShared", device -> histogram(device, "histogramShared")),
        new CorpusCase("scans", "histogramMatched", ScanCases::matched));
  }

  private static int[] runningSums(int[] in) {
    int[] sums = in.clone();
    Arrays.parallelPrefix(sums, Integer::sum);
    return sums;
  }

  private static void blelloch(Device device) throws Exception {
    int n = 1501;
    int[] in = Inputs.ints(1, n, -100, 100);
    MemorySegment out = device.zeros(n * 4L);
    MemorySegment sums = device.zeros(12 * 4L);
    MemorySegment offsets = device.zeros(12 * 4L);
    device.kernel("scanBlelloch").grid(12).block(64).shared(512).run(device.copy(in), out, sums, n);
    device.kernel("scanBlelloch").block(8).shared(64).run(sums, offsets, 0L, 12);
    device.kernel("addBlockSums").grid(12).block(64).run(out, offsets, n);
    int[] expected = new int[n];
    System.arraycopy(runningSums(in), 0, expected, 1, n - 1);
    Expect.ints(expected, out);
  }

  private static void lookBack(Device device) throws Exception {
    int n = 3000;
    int[] in = Inputs.ints(2, n, -100, 100);
    MemorySegment out = device.zeros(n * 4L);
    MemorySegment state = device.zeros(24 * 4L);
    device
        .kernel("scanLookBack")
        .grid(24)
        .block(128)
        .run(device.copy(in), out, state, device.zeros(96), device.zeros(96), n);
    Expect.ints(runningSums(in), out);
  }

  private static void segments(Device device) throws Exception {
    int n = 1000;
    float[] in = Inputs.floats(3, n, -1, 1);
    byte[] flags = new byte[n];
    for (int at : Inputs.ints(4, 60, 0, n)) {
      flags[at] = 1;
    }
    MemorySegment out = device.zeros(n * 4L);
    device.kernel("scanSegments").block(1024).run(device.copy(in), device.copy(flags), out, n);
    double[] expected = new double[n];
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum = flags[i] == 0 ? sum + in[i] : in[i];
      expected[i] = sum;
    }
    Expect.floats(expected, out, 1e-5);
  }

  private static void unrolled(Device device) throws Exception {
    int n = 10_001;
    float[] in = Inputs.floats(5, n, -1, 1);
    for (int size : new int[] {512, 64}) {
      MemorySegment out = device.zeros(3 * 4L);
      device.kernel("reduceUnrolled" + size).grid(3).block(size).run(device.copy(in), out, n);
      double[] expected = new double[3];
      for (int i = 0; i < n; i++) {
        expected[i / (2 * size) % 3] += in[i];
      }
      Expect.floats(expected, out, 1e-4);
    }
  }

  private static void lastBlock(Device device) throws Exception {
    int n = 7000;
    float[] in = Inputs.floats(6, n, -1, 1);
    double expected = 0;
    for (float value : in) {
      expected += value;
    }
    MemorySegment memory = device.copy(in);
    // The counter wraps round, so the second launch finds it as the first did.
    for (int turn = 0; turn < 2; turn++) {
      MemorySegment out = device.zeros(4);
      device.kernel("reduceLastBlock").grid(50).block(32).run(memory, device.zeros(200), out, n);
      assertEquals(expected, Device.floats(out)[0], 1e-3);
    }
  }

  private static void argMax(Device device) throws Exception {
    float[] in = Inputs.floats(7, 777, 0, 1);
    in[300] = 2;
    in[555] = 2;
    MemorySegment out = device.zeros(4);
    device.kernel("argMax").block(32).run(device.copy(in), out, in.length);
    assertEquals(300, Device.ints(out)[0]);
  }

  private static void compact(Device device) throws Exception {
    int n = 1000;
    int[] in = Inputs.ints(8, n, -1000, 1000);
    MemorySegment out = device.zeros(n * 4L);
    MemorySegment count = device.zeros(4);
    device.kernel("compactBallot").grid(8).block(128).run(device.copy(in), out, count, 300, n);
    IntPredicate kept = value -> value > 300;
    int[] expected = Arrays.stream(in).filter(kept).sorted().toArray();
    assertEquals(expected.length, Device.ints(count)[0]);
    int[] actual = Arrays.copyOf(Device.ints(out), expected.length);
    // Blocks come in any order; each keeps its own.
    int at = 0;
    for (int done = 0; done < 8; done++) {
      at += lengthOfBlock(actual, at, in, kept);
    }
    assertEquals(expected.length, at);
    Arrays.sort(actual);
    assertArrayEquals(expected, actual);
  }

  /** How much one block of the input left at a place of the output; fails if none did. */
  private static int lengthOfBlock(int[] actual, int at, int[] in, IntPredicate kept) {
    for (int block = 0; block < 8; block++) {
      int end = Math.min(in.length, (block + 1) * 128);
      int[] own = Arrays.stream(in, block * 128, end).filter(kept).toArray();
      if (Arrays.equals(own, Arrays.copyOfRange(actual, at, at + own.length))) {
        return own.length;
      }
    }
    throw new AssertionError("no block left what is at " + at);
  }

  private static void histogram(Device device, String kernel) throws Exception {
    int n = 10_004;
    byte[] in = Inputs.bytes(9, n);
    int[] expected = new int[256];
    for (int i = 0; i < n; i++) {
      in[i] &= (byte) (i % 3 == 0 ? 0xFF : 0x07);
      expected[in[i] & 0xFF]++;
    }
    MemorySegment bins = device.zeros(256 * 4L);
    device.kernel(kernel).grid(6).block(96).run(device.copy(in), bins, n);
    Expect.ints(expected, bins);
  }

  private static void matched(Device device) throws Exception {
    int n = 2010;
    int[] in = Inputs.ints(10, n, 0, 9);
    int[] expected = new int[9];
    for (int key : in) {
      expected[key]++;
    }
    MemorySegment bins = device.zeros(9 * 4L);
    device.kernel("histogramMatched").grid(32).block(64).run(device.copy(in), bins, n);
    Expect.ints(expected, bins);
  }
}
