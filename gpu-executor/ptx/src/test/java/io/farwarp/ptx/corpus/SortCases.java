package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Sorting networks, radix sort, merges. */
final class SortCases {
  private SortCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("sorts", "bitonicStep", SortCases::bitonicGlobal),
        new CorpusCase("sorts", "bitonicPairs", SortCases::bitonicPairs),
        new CorpusCase("sorts", "radix", SortCases::radix),
        new CorpusCase("sorts", "mergeRuns", SortCases::merge),
        new CorpusCase("sorts", "oddEvenSort", SortCases::oddEven),
        new CorpusCase("sorts", "quickSortPieces", SortCases::quick),
        new CorpusCase("sorts", "rankSort", SortCases::rank));
  }

  private static int[] sortedUnsigned(int[] keys) {
    return Arrays.stream(keys)
        .boxed()
        .sorted(Integer::compareUnsigned)
        .mapToInt(Integer::intValue)
        .toArray();
  }

  private static void bitonicGlobal(Device device) throws Exception {
    int n = 1024;
    int[] keys = Inputs.ints(1, n, Integer.MIN_VALUE, Integer.MAX_VALUE);
    MemorySegment memory = device.copy(keys);
    for (int k = 2; k <= n; k *= 2) {
      for (int j = k / 2; j > 0; j /= 2) {
        device.kernel("bitonicStep").grid(n / 128).block(128).run(memory, j, k);
      }
    }
    Expect.ints(sortedUnsigned(keys), memory);
  }

  private static void bitonicPairs(Device device) throws Exception {
    int size = 2048;
    for (int descending = 0; descending < 2; descending++) {
      float[] keys = Inputs.floats(2, 2 * size, -1, 1);
      int[] values = new int[keys.length];
      Arrays.setAll(values, i -> i);
      MemorySegment sorted = device.copy(keys);
      MemorySegment moved = device.copy(values);
      device
          .kernel("bitonicPairs")
          .grid(2)
          .block(1024)
          .shared(size * 8)
          .run(sorted, moved, size, descending);
      float[] actual = Device.floats(sorted);
      int[] origins = Device.ints(moved);
      for (int i = 0; i < keys.length; i++) {
        assertEquals(keys[origins[i]], actual[i]);
        assertEquals(i / size, origins[i] / size);
        assertTrue(
            i % size == 0
                || (descending == 0 ? actual[i - 1] <= actual[i] : actual[i - 1] >= actual[i]));
      }
      assertEquals(keys.length, Arrays.stream(origins).distinct().count());
    }
  }

  private static void radix(Device device) throws Exception {
    int n = 1500;
    int blocks = 6;
    int[] keys = Inputs.ints(3, n, Integer.MIN_VALUE, Integer.MAX_VALUE);
    MemorySegment from = device.copy(keys);
    MemorySegment to = device.zeros(n * 4L);
    MemorySegment counts = device.zeros(16 * blocks * 4L);
    for (int shift = 0; shift < 32; shift += 4) {
      device.kernel("radixCount").grid(blocks).block(256).run(from, counts, shift, n);
      device.kernel("radixOffsets").block(32).run(counts, 16 * blocks);
      device.kernel("radixScatter").grid(blocks).block(256).run(from, to, counts, shift, n);
      MemorySegment swapped = from;
      from = to;
      to = swapped;
    }
    Expect.ints(sortedUnsigned(keys), from);
  }

  private static void merge(Device device) throws Exception {
    int n = 1234;
    // Few values, so that equal ones meet.
    long[] keys = new Random(4).longs(n, -200, 200).map(key -> key << 33).toArray();
    MemorySegment from = device.copy(keys);
    MemorySegment to = device.zeros(n * 8L);
    for (int width = 1; width < n; width *= 2) {
      device.kernel("mergeRuns").grid(13).block(96).run(from, to, width, n);
      MemorySegment swapped = from;
      from = to;
      to = swapped;
    }
    Arrays.sort(keys);
    Expect.longs(keys, from);
  }

  private static void oddEven(Device device) throws Exception {
    int n = 301;
    short[] values = new short[n];
    Random random = new Random(5);
    for (int i = 0; i < n; i++) {
      values[i] = (short) random.nextInt();
    }
    MemorySegment memory = device.copy(values);
    MemorySegment rounds = device.zeros(4);
    device.kernel("oddEvenSort").block(160).run(memory, n, rounds);
    Arrays.sort(values);
    assertArrayEquals(values, memory.toArray(ValueLayout.JAVA_SHORT));
    assertTrue(Device.ints(rounds)[0] <= n / 2 + 2);
    device.kernel("oddEvenSort").block(160).run(memory, n, rounds);
    assertEquals(1, Device.ints(rounds)[0]);
  }

  private static void quick(Device device) throws Exception {
    int n = 2000;
    int piece = 150;
    int[] values = Inputs.ints(6, n, -500, 500);
    MemorySegment memory = device.copy(values);
    device.kernel("quickSortPieces").grid(2).block(8).run(memory, piece, n);
    for (int i = 0; i < n; i += piece) {
      Arrays.sort(values, i, Math.min(n, i + piece));
    }
    Expect.ints(values, memory);
  }

  private static void rank(Device device) throws Exception {
    double[] in = Inputs.doubles(7, 300, -1, 1);
    in[10] = in[200];
    MemorySegment out = device.zeros(in.length * 8L);
    device.kernel("rankSort").grid(5).block(64).run(device.copy(in), out, in.length);
    Arrays.sort(in);
    Expect.doubles(in, out, 0);
  }
}
