package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Kernels whose threads wait for each other, as nvcc compiles them with optimisation and without,
 * against the same work on the host.
 */
final class CooperationTest {
  private static final String OPTIMISED = "cooperation.ptx";
  private static final String DEBUG = "cooperation-debug.ptx";

  private final Arena arena = Arena.ofShared();
  private final PtxExecutor executor = PtxExecutor.create(2);

  @AfterEach
  void close() {
    executor.close();
    arena.close();
  }

  private MemorySegment ints(int... values) {
    MemorySegment memory = arena.allocate(Math.max(4L, values.length * 4L), 256);
    MemorySegment.copy(values, 0, memory, ValueLayout.JAVA_INT, 0, values.length);
    return memory;
  }

  private MemorySegment zeros(int count) {
    return arena.allocate(count * 4L, 256);
  }

  private static int[] random(int count, int from, int to) {
    return new Random(count).ints(count, from, to).toArray();
  }

  /** Runs a kernel; segments are passed as pointers, integers as 32-bit scalars. */
  private void run(String text, String kernel, int grid, int block, int shared, Object... arguments)
      throws Exception {
    run(text, kernel, new int[] {grid, 1}, new int[] {block, 1}, shared, arguments);
  }

  private void run(
      String text, String kernel, int[] grid, int[] block, int shared, Object... arguments)
      throws Exception {
    try (PtxModule module = Ptx.load(Ptx.resource(text))) {
      PtxLaunch launch = module.kernel(kernel).newLaunch();
      launch.grid(grid[0], grid[1], 1).block(block[0], block[1], 1).dynamicSharedBytes(shared);
      for (int i = 0; i < arguments.length; i++) {
        if (arguments[i] instanceof MemorySegment memory) {
          launch.pointer(i, memory, 0, memory.byteSize());
        } else {
          launch.scalar(i, (Integer) arguments[i]);
        }
      }
      executor.run(launch, Ptx.NEVER);
      assertTrue(module.kernel(kernel).isCompilable());
    }
  }

  private static int[] contents(MemorySegment memory) {
    return memory.toArray(ValueLayout.JAVA_INT);
  }

  private MemorySegment randomFloats(int count) {
    MemorySegment memory = zeros(count);
    Random random = new Random(count);
    for (int i = 0; i < count; i++) {
      // Small whole numbers, whose sums are exact in any order.
      Ptx.setFloat(memory, i, random.nextInt(-8, 9));
    }
    return memory;
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void reductions_by_shared_memory_and_by_shuffles_sum_each_block(String text) throws Exception {
    int n = 20_000;
    MemorySegment in = randomFloats(n);
    MemorySegment bySharing = zeros(7);
    MemorySegment byShuffling = zeros(7);
    run(text, "reduceShared", 7, 256, 256 * 4, in, bySharing, n);
    run(text, "reduceShuffle", 7, 256, 0, in, byShuffling, n);
    for (int block = 0; block < 7; block++) {
      float sum = 0;
      for (int i = 0; i < n; i++) {
        sum += i / 256 % 7 == block ? Ptx.floatAt(in, i) : 0;
      }
      assertEquals(sum, Ptx.floatAt(bySharing, block));
      assertEquals(sum, Ptx.floatAt(byShuffling, block));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void tiled_matrix_product_has_edges_that_fill_no_tile(String text) throws Exception {
    int m = 37;
    int n = 50;
    int k = 41;
    MemorySegment a = randomFloats(m * k);
    MemorySegment b = randomFloats(k * n);
    MemorySegment c = zeros(m * n);
    run(text, "sgemmTiled", new int[] {4, 3}, new int[] {16, 16}, 0, m, n, k, a, b, c);
    for (int row = 0; row < m; row++) {
      for (int column = 0; column < n; column++) {
        float sum = 0;
        for (int i = 0; i < k; i++) {
          sum += Ptx.floatAt(a, row * k + i) * Ptx.floatAt(b, i * n + column);
        }
        assertEquals(sum, Ptx.floatAt(c, row * n + column));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void scans_give_running_sums_of_blocks_and_of_warps(String text) throws Exception {
    int n = 1000;
    int[] in = random(n, -1000, 1000);
    MemorySegment blocks = zeros(n);
    MemorySegment warps = zeros(n);
    run(text, "scanBlocks", 4, 256, 0, ints(in), blocks, n);
    run(text, "scanWarps", 7, 160, 0, ints(in), warps, n);
    int blockSum = 0;
    int warpSum = 0;
    for (int i = 0; i < n; i++) {
      blockSum = (i % 256 == 0 ? 0 : blockSum) + in[i];
      warpSum = (i % 32 == 0 ? 0 : warpSum) + in[i];
      assertEquals(blockSum, blocks.getAtIndex(ValueLayout.JAVA_INT, i));
      assertEquals(warpSum, warps.getAtIndex(ValueLayout.JAVA_INT, i));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void bitonic_sort_sorts_each_block_in_dynamic_shared_memory(String text) throws Exception {
    int[] keys = random(3 * 512, Integer.MIN_VALUE, Integer.MAX_VALUE);
    MemorySegment memory = ints(keys);
    run(text, "bitonicSort", 3, 512, 512 * 4, memory);
    for (int block = 0; block < 3; block++) {
      Arrays.sort(keys, block * 512, (block + 1) * 512);
    }
    assertArrayEquals(keys, contents(memory));
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void histogram_adds_up_in_shared_and_then_in_global_memory(String text) throws Exception {
    int n = 10_000;
    MemorySegment in = arena.allocate(n, 256);
    int[] expected = new int[256];
    Random random = new Random(1);
    for (int i = 0; i < n; i++) {
      int value = random.nextInt(256) & random.nextInt(256);
      in.set(ValueLayout.JAVA_BYTE, i, (byte) value);
      expected[value]++;
    }
    MemorySegment bins = zeros(256);
    run(text, "histogram", 6, 128, 0, in, bins, n);
    assertArrayEquals(expected, contents(bins));
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void transpose_goes_through_a_padded_tile(String text) throws Exception {
    int width = 70;
    int height = 45;
    MemorySegment in = randomFloats(width * height);
    MemorySegment out = zeros(width * height);
    run(text, "transpose", new int[] {3, 2}, new int[] {32, 8}, 0, in, out, width, height);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        assertEquals(Ptx.floatAt(in, y * width + x), Ptx.floatAt(out, x * height + y));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void compaction_by_ballots_and_by_coalesced_groups_keeps_what_is_over_the_limit(String text)
      throws Exception {
    int n = 1000;
    int[] in = random(n, 0, 1000);
    int[] expected = Arrays.stream(in).filter(value -> value > 600).sorted().toArray();
    for (String kernel : new String[] {"compact", "compactCoalesced"}) {
      MemorySegment out = zeros(n);
      MemorySegment count = zeros(1);
      run(text, kernel, 4, 256, 0, ints(in), out, count, 600, n);
      assertEquals(expected.length, count.get(ValueLayout.JAVA_INT, 0), kernel);
      int[] kept = Arrays.copyOf(contents(out), expected.length);
      Arrays.sort(kept);
      assertArrayEquals(expected, kept, kernel);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void tiles_of_eight_lanes_sum_on_their_own(String text) throws Exception {
    int[] in = random(192, -50, 50);
    MemorySegment out = zeros(192);
    run(text, "tileSums", 2, 96, 0, ints(in), out);
    for (int i = 0; i < 192; i++) {
      int first = i / 8 * 8;
      assertEquals(
          IntStream.range(first, first + 8).map(j -> in[j]).sum(),
          out.getAtIndex(ValueLayout.JAVA_INT, i));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void threads_hand_a_token_on_through_shared_memory(String text) throws Exception {
    MemorySegment order = zeros(96);
    run(text, "relayShared", 1, 96, 0, order);
    assertArrayEquals(IntStream.range(0, 96).map(i -> 95 - i).toArray(), contents(order));
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void threads_wait_for_a_flag_that_the_last_of_their_block_sets(String text) throws Exception {
    MemorySegment out = zeros(5 * 64);
    run(text, "waitGlobal", 5, 64, 0, zeros(5), out);
    assertArrayEquals(IntStream.generate(() -> 42).limit(5 * 64).toArray(), contents(out));
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void spin_lock_lets_every_thread_of_the_grid_count_once(String text) throws Exception {
    MemorySegment counter = zeros(1);
    run(text, "lockedCounter", 20, 64, 0, zeros(1), counter);
    assertEquals(20 * 64, counter.get(ValueLayout.JAVA_INT, 0));
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void threads_that_left_are_not_waited_for(String text) throws Exception {
    for (int limit : new int[] {1, 31, 100, 256}) {
      MemorySegment out = zeros(256);
      run(text, "leaveEarly", 1, 256, 0, out, limit);
      for (int i = 0; i < 256; i++) {
        int expected = i < limit ? limit - 1 - i : 0;
        assertEquals(expected, out.getAtIndex(ValueLayout.JAVA_INT, i));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void barriers_that_reduce_count_and_agree(String text) throws Exception {
    int[] in = random(100, -5, 7);
    int positive = (int) Arrays.stream(in).filter(value -> value > 0).count();
    MemorySegment out = zeros(100);
    run(text, "countAndAgree", 1, 100, 0, ints(in), out);
    in[99] = 7;
    in[98] = -200;
    int changed = (int) Arrays.stream(in).filter(value -> value > 0).count();
    MemorySegment later = zeros(100);
    run(text, "countAndAgree", 1, 100, 0, ints(in), later);
    for (int i = 0; i < 100; i++) {
      assertEquals(positive * 4 + 2, out.getAtIndex(ValueLayout.JAVA_INT, i));
      assertEquals(changed * 4 + 1, later.getAtIndex(ValueLayout.JAVA_INT, i));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void producers_and_consumers_meet_at_numbered_barriers(String text) throws Exception {
    int rounds = 20;
    MemorySegment out = zeros(rounds * 64);
    run(text, "produceConsume", 1, 128, 0, out, rounds);
    for (int i = 0; i < rounds * 64; i++) {
      assertEquals(i / 64 * 1000 + 63 - i % 64, out.getAtIndex(ValueLayout.JAVA_INT, i));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {OPTIMISED, DEBUG})
  void local_arrays_outlive_barriers(String text) throws Exception {
    int threads = 128;
    int rounds = 11;
    int[] in = random(threads, 0, 100);
    MemorySegment out = zeros(threads);
    run(text, "localOverBarriers", 1, threads, 0, ints(in), out, rounds);
    int[][] mine = new int[threads][8];
    for (int t = 0; t < threads; t++) {
      for (int i = 0; i < 8; i++) {
        mine[t][i] = in[(t + i) % threads];
      }
    }
    for (int r = 0; r < rounds; r++) {
      int[] board = new int[threads];
      for (int t = 0; t < threads; t++) {
        board[t] = mine[t][r % 8];
      }
      for (int t = 0; t < threads; t++) {
        mine[t][(r + in[0]) % 8] += board[(t + 1) % threads];
      }
    }
    for (int t = 0; t < threads; t++) {
      int sum = 0;
      for (int value : mine[t]) {
        sum = sum * 31 + value;
      }
      assertEquals(sum, out.getAtIndex(ValueLayout.JAVA_INT, t));
    }
  }
}
