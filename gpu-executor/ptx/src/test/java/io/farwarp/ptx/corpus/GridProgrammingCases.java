package io.farwarp.ptx.corpus;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Dynamic programming on grids. */
final class GridProgrammingCases {
  private GridProgrammingCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("physics", "pathfinder", GridProgrammingCases::pathfinder),
        new CorpusCase("physics", "needle", GridProgrammingCases::needle),
        new CorpusCase("physics", "longestCommon", GridProgrammingCases::longestCommon),
        new CorpusCase("physics", "knapsack", GridProgrammingCases::knapsack));
  }

  private static void pathfinder(Device device) throws Exception {
    int columns = 150;
    int rows = 13;
    int perLaunch = 5;
    int block = 64;
    int[] costs = Inputs.ints(1, rows * columns, 0, 10);
    MemorySegment wall = device.copy(Arrays.copyOfRange(costs, columns, costs.length));
    int[] now = Arrays.copyOf(costs, columns);
    MemorySegment from = device.copy(now);
    MemorySegment to = device.zeros(columns * 4L);
    for (int done = 0; done < rows - 1; done += perLaunch) {
      int turns = Math.min(perLaunch, rows - 1 - done);
      int small = block - 2 * turns;
      device
          .kernel("pathfinder")
          .grid((columns + small - 1) / small)
          .block(block)
          .run(turns, wall, from, to, columns, done, turns);
      MemorySegment swapped = from;
      from = to;
      to = swapped;
    }
    for (int row = 1; row < rows; row++) {
      int[] next = new int[columns];
      for (int x = 0; x < columns; x++) {
        int west = now[Math.max(x - 1, 0)];
        int east = now[Math.min(x + 1, columns - 1)];
        next[x] = costs[row * columns + x] + Math.min(now[x], Math.min(west, east));
      }
      now = next;
    }
    Expect.ints(now, from);
  }

  private static void needle(Device device) throws Exception {
    int tiles = 3;
    int columns = 16 * tiles + 1;
    int penalty = 10;
    int[] scores = Inputs.ints(2, columns * columns, -10, 15);
    int[] expected = new int[columns * columns];
    for (int i = 0; i < columns; i++) {
      expected[i] = -i * penalty;
      expected[i * columns] = -i * penalty;
    }
    MemorySegment similar = device.copy(scores);
    MemorySegment matrix = device.copy(expected);
    for (int diagonal = 0; diagonal < 2 * tiles - 1; diagonal++) {
      int first = Math.max(0, diagonal - tiles + 1);
      int last = Math.min(diagonal, tiles - 1);
      device
          .kernel("needle")
          .grid(last - first + 1)
          .block(16)
          .run(similar, matrix, columns, penalty, diagonal, first);
    }
    for (int i = columns; i < expected.length; i++) {
      if (i % columns != 0) {
        int gap = Math.max(expected[i - 1], expected[i - columns]) - penalty;
        expected[i] = Math.max(expected[i - columns - 1] + scores[i], gap);
      }
    }
    Expect.ints(expected, matrix);
  }

  private static byte[] letters(int seed, int length) {
    StringBuilder text = new StringBuilder();
    for (int letter : Inputs.ints(seed, length, 0, 4)) {
      text.append("acgt".charAt(letter));
    }
    return text.toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void longestCommon(Device device) throws Exception {
    byte[] a = letters(3, 90);
    byte[] b = letters(4, 120);
    int width = b.length + 1;
    MemorySegment table = device.zeros((a.length + 1) * width * 2L);
    MemorySegment length = device.zeros(4);
    device
        .kernel("longestCommon")
        .block(64)
        .run(device.copy(a), device.copy(b), a.length, b.length, table, length);
    short[] expected = new short[(a.length + 1) * width];
    for (int i = width + 1; i < expected.length; i++) {
      if (i % width != 0) {
        boolean same = a[i / width - 1] == b[i % width - 1];
        int longer = Math.max(expected[i - 1], expected[i - width]);
        expected[i] = (short) (same ? expected[i - width - 1] + 1 : longer);
      }
    }
    Expect.ints(new int[] {expected[expected.length - 1]}, length);
    Expect.shorts(expected, table);
  }

  private static void knapsack(Device device) throws Exception {
    int count = 20;
    int capacity = 300;
    int[] items = Inputs.ints(5, 2 * count, 1, 60);
    MemorySegment best = device.zeros(8);
    device
        .kernel("knapsack")
        .block(128)
        .shared(2 * (capacity + 1) * 8)
        .run(device.copy(items), count, capacity, best);
    long[] most = new long[capacity + 1];
    for (int i = 0; i < count; i++) {
      for (int w = capacity; w >= items[2 * i]; w--) {
        most[w] = Math.max(most[w], most[w - items[2 * i]] + items[2 * i + 1]);
      }
    }
    Expect.longs(new long[] {most[capacity]}, best);
  }
}
