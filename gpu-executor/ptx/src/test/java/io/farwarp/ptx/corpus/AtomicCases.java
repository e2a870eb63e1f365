package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Atomics, fences, threads that wait for each other, cooperative groups. */
final class AtomicCases {
  private AtomicCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("atomics", "wideAtomics", AtomicCases::wide),
        new CorpusCase("atomics", "narrowAtomics", AtomicCases::narrow),
        new CorpusCase("atomics", "swappedAtomics", AtomicCases::swapped),
        new CorpusCase("atomics", "orderedAtomics", AtomicCases::ordered),
        new CorpusCase("atomics", "ringBuffer", AtomicCases::ring),
        new CorpusCase("atomics", "lockedPairs", AtomicCases::locked),
        new CorpusCase("atomics", "ticketOrder", AtomicCases::tickets),
        new CorpusCase("atomics", "groups", AtomicCases::groups),
        new CorpusCase("atomics", "votes", AtomicCases::votes));
  }

  private static void wide(Device device) throws Exception {
    int n = 1000;
    long[] in = new Random(1).longs(n).toArray();
    long[] results = {0, Long.MIN_VALUE, Long.MAX_VALUE, 0, -1, -1, 0, 0};
    MemorySegment memory = device.copy(results);
    device.kernel("wideAtomics").grid(16).block(64).run(device.copy(in), memory, n);
    for (long v : in) {
      results[0] += v;
      results[1] = Math.max(results[1], v);
      results[2] = Math.min(results[2], v);
      results[3] = Long.compareUnsigned(results[3], v) < 0 ? v : results[3];
      results[4] = Long.compareUnsigned(results[4], v) > 0 ? v : results[4];
      results[5] &= v | 0xff00ff00ff00ff00L;
      results[6] |= v & 0x0f0f0f0f0f0f0f0fL;
      results[7] ^= v;
    }
    Expect.longs(results, memory);
  }

  private static void narrow(Device device) throws Exception {
    int n = 333;
    int threads = 96;
    int[] in = Inputs.ints(2, n, -1_000_000, 1_000_000);
    int[] results = new int[15];
    results[4] = -1;
    MemorySegment memory = device.copy(results);
    device.kernel("narrowAtomics").grid(4).block(threads).run(device.copy(in), memory, n);
    for (int i = 0; i < n; i++) {
      int v = in[i];
      results[0] += v;
      results[1] -= v;
      results[2] = Math.max(results[2], v);
      results[3] = Math.min(results[3], v);
      results[4] &= v | 0xfff00000;
      results[5] |= v & 0xffff;
      results[6] ^= v;
      int block = i / threads;
      results[7 + 2 * block] = (results[7 + 2 * block] + 1) % 10;
      int down = results[8 + 2 * block];
      results[8 + 2 * block] = down == 0 ? 100 : down - 1;
    }
    Expect.ints(results, memory);
  }

  private static void swapped(Device device) throws Exception {
    int n = 500;
    double[] in = Inputs.doubles(3, n, -1.3, 1.3);
    for (int i = 0; i < n; i++) {
      in[i] += Math.signum(in[i]) * 0.4;
    }
    MemorySegment product = device.copy(1.0);
    MemorySegment largest = device.copy(-100f);
    MemorySegment counts = device.zeros(10);
    MemorySegment halves = device.zeros(12);
    device
        .kernel("swappedAtomics")
        .grid(8)
        .block(64)
        .run(device.copy(in), product, largest, counts, halves, n);
    double expected = 1;
    float most = -100;
    short[] counted = new short[5];
    float[] sums = new float[6];
    for (int i = 0; i < n; i++) {
      expected *= in[i];
      most = Math.max(most, (float) in[i]);
      counted[i % 5] += 3;
      sums[i % 3] += 0.5f;
      sums[4] += 0.25f;
      sums[5] -= 0.25f;
    }
    assertEquals(1, Device.doubles(product)[0] / expected, 1e-12);
    assertEquals(most, Device.floats(largest)[0]);
    assertArrayEquals(counted, counts.toArray(ValueLayout.JAVA_SHORT));
    for (int i = 0; i < 6; i++) {
      short half = halves.getAtIndex(ValueLayout.JAVA_SHORT, i);
      assertEquals(sums[i], Float.float16ToFloat(half), "half " + i);
    }
  }

  private static void ordered(Device device) throws Exception {
    MemorySegment data = device.zeros(64 * 4L);
    MemorySegment flags = device.copy(0, 5);
    MemorySegment sum = device.zeros(8);
    device.kernel("orderedAtomics").block(64).run(data, flags, sum);
    long expected = 0;
    int word = 6;
    for (int t = 1; t < 64; t++) {
      expected += (long) t * t;
      word ^= 1 << t % 8 << 4;
    }
    assertEquals(expected, Device.longs(sum)[0]);
    Expect.ints(new int[] {1, word}, flags);
  }

  private static void ring(Device device) throws Exception {
    int n = 300;
    int[] in = Inputs.ints(4, n, -1000, 1000);
    MemorySegment out = device.zeros(8);
    device.kernel("ringBuffer").block(64).run(device.copy(in), out, n);
    long expected = 0;
    for (int value : in) {
      expected = expected * 31 + value;
    }
    assertEquals(expected, Device.longs(out)[0]);
  }

  private static void locked(Device device) throws Exception {
    int n = 600;
    int[] keys = Inputs.ints(5, n, 0, 1000);
    MemorySegment sums = device.zeros(32);
    MemorySegment squares = device.zeros(32);
    device
        .kernel("lockedPairs")
        .grid(7)
        .block(96)
        .run(device.copy(keys), device.zeros(32), sums, squares, n);
    int[] expectedSums = new int[8];
    int[] expectedSquares = new int[8];
    for (int key : keys) {
      expectedSums[key & 7] += key;
      expectedSquares[key & 7] += key * key;
    }
    Expect.ints(expectedSums, sums);
    Expect.ints(expectedSquares, squares);
  }

  private static void tickets(Device device) throws Exception {
    int blocks = 200;
    MemorySegment order = device.zeros(blocks * 4L);
    device.kernel("ticketOrder").grid(blocks).block(33).run(device.zeros(4), order);
    int[] sorted = Device.ints(order);
    Arrays.sort(sorted);
    for (int i = 0; i < blocks; i++) {
      assertEquals(i, sorted[i]);
    }
  }

  private static void groups(Device device) throws Exception {
    int n = 150;
    int threads = 64;
    int[] in = Inputs.ints(6, n, 0, 100);
    MemorySegment sums = device.zeros(n * 4L);
    MemorySegment scans = device.zeros(n * 4L);
    MemorySegment counted = device.zeros(n * 4L);
    MemorySegment labels = device.zeros(n * 4L);
    device
        .kernel("groups")
        .grid(3)
        .block(threads)
        .run(device.copy(in), sums, scans, counted, labels, n);
    int[] padded = Arrays.copyOf(in, 192);
    int[] expectedSums = new int[n];
    int[] expectedScans = new int[n];
    int[] expectedLabels = new int[n];
    for (int i = 0; i < n; i++) {
      int warp = i / 32 * 32;
      int tile = i / 8 * 8;
      expectedSums[i] =
          Arrays.stream(padded, tile, tile + 8).sum()
              + Arrays.stream(padded, warp, warp + 32).max().orElseThrow();
      expectedScans[i] = Arrays.stream(padded, warp, i).sum() + padded[tile + 3] + i % threads / 8;
      int label = padded[i] % 3;
      int size = (int) Arrays.stream(padded, warp, warp + 32).filter(v -> v % 3 == label).count();
      int rank = (int) Arrays.stream(padded, warp, i).filter(v -> v % 3 == label).count();
      expectedLabels[i] = size * 100 + rank;
    }
    Expect.ints(expectedSums, sums);
    Expect.ints(expectedScans, scans);
    Expect.ints(expectedLabels, labels);
    int[] large = Arrays.stream(in).filter(value -> value > 50).sorted().toArray();
    int[] found = Device.ints(counted);
    assertEquals(large.length, found[0]);
    int[] collected = Arrays.copyOfRange(found, 1, 1 + large.length);
    Arrays.sort(collected);
    assertArrayEquals(large, collected);
  }

  private static void votes(Device device) throws Exception {
    int n = 128;
    int[] in = Inputs.ints(7, n, -95, 95);
    Arrays.fill(in, 32, 64, 300);
    in[5] = 42;
    MemorySegment out = device.zeros(n * 4L);
    device.kernel("votes").block(n).run(device.copy(in), out);
    int positive = (int) Arrays.stream(in).filter(v -> v > 0).count();
    int[] expected = new int[n];
    for (int t = 0; t < n; t++) {
      int warp = t / 32 * 32;
      int[] lanes = Arrays.copyOfRange(in, warp, warp + 32);
      boolean same = Arrays.stream(lanes).allMatch(v -> v >> 8 == in[warp] >> 8);
      int r = positive * 4 + 2 + 1;
      r += Arrays.stream(lanes).anyMatch(v -> v > 90) ? 1 << 10 : 0;
      r += Arrays.stream(lanes).allMatch(v -> v > -90) ? 1 << 11 : 0;
      r += same ? 1 << 12 : 0;
      if (t % 2 == 1) {
        r += 16 << 13;
        r += lanes[(t + 2) & 31] & 1;
      }
      int odd = (int) Arrays.stream(lanes).filter(v -> (v & 1) != 0).count();
      expected[t] = r ^ odd ^ (same ? 1 << 20 : 0);
    }
    Expect.ints(expected, out);
  }
}
