package io.farwarp.ptx.corpus;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;

/** CUDA's intrinsics on bits and integers. */
final class BitCases {
  private BitCases() {}

  static List<CorpusCase> all() {
    return List.of(new CorpusCase("integers", "bitTricks", BitCases::tricks));
  }

  private static int permuted(int x, int y, int selector) {
    long both = (long) y << 32 | x & 0xFFFFFFFFL;
    int result = 0;
    for (int i = 0; i < 4; i++) {
      int from = selector >>> 4 * i & 7;
      result |= (int) (both >>> 8 * from & 0xFF) << 8 * i;
    }
    return result;
  }

  /** An operation on each of the parts of two words. */
  private interface PartAction {
    int apply(int a, int b);
  }

  private static long parts(int x, int y, int width, boolean signed, PartAction action) {
    int result = 0;
    int mask = (1 << width) - 1;
    for (int at = 0; at < 32; at += width) {
      int a = signed ? x << 32 - width - at >> 32 - width : x >>> at & mask;
      int b = signed ? y << 32 - width - at >> 32 - width : y >>> at & mask;
      result |= (action.apply(a, b) & mask) << at;
    }
    return unsigned(result);
  }

  private static long unsigned(int x) {
    return x & 0xFFFFFFFFL;
  }

  private static int firstSet(long x) {
    return x == 0 ? 0 : Long.numberOfTrailingZeros(x) + 1;
  }

  private static int low24(int x) {
    return x << 8 >> 8;
  }

  private static long expected(int x, int y, long w) {
    long r = Integer.bitCount(x) + Long.bitCount(w);
    r = r * 31 + Integer.numberOfLeadingZeros(x) + Long.numberOfLeadingZeros(w);
    r += firstSet(x) + firstSet(w);
    r = r * 31 + unsigned(Integer.reverse(x));
    r = r * 31 + Long.reverse(w);
    r = r * 31 + unsigned(permuted(x, y, x & 0x7777));
    r = r * 31 + unsigned((int) ((long) x + y >> 1)) + (unsigned(x) + unsigned(y) >> 1);
    r += unsigned((int) ((long) x + y + 1 >> 1));
    r = r * 31 + unsigned((int) Math.abs(unsigned(x) - unsigned(y)) + 5);
    r += unsigned((int) Math.abs((long) x - y) + 7);
    r = r * 31 + unsigned(low24(x) * low24(y)) + unsigned((x & 0xFFFFFF) * (y & 0xFFFFFF));
    r = r * 31 + unsigned((int) ((long) x * y >> 32)) + (unsigned(x) * unsigned(y) >>> 32);
    r = r * 31 + Math.unsignedMultiplyHigh(w, w ^ unsigned(x));
    r = r * 31 + Math.multiplyHigh(w, unsigned(x) - unsigned(y));
    int left = Math.min(x & 63, 32);
    int right = Math.min(y & 63, 32);
    long both = unsigned(y) << 32 | unsigned(x);
    r = r * 31 + unsigned((int) (both << left >>> 32)) + unsigned((int) (both >>> right));
    r = r * 31 + parts(x, y, 8, false, Integer::sum);
    r += parts(x, y, 16, false, (a, b) -> Math.max(a - b, 0));
    r += parts(x, y, 8, false, (a, b) -> Math.abs(a - b));
    r += parts(x, y, 16, false, (a, b) -> a > b ? -1 : 0);
    r += parts(x, y, 8, true, Math::max);
    r += parts(x, y, 8, false, (a, b) -> a + b + 1 >> 1);
    int dot = (int) r;
    for (int at = 0; at < 32; at += 8) {
      dot += (x << 24 - at >> 24) * (y << 24 - at >> 24);
    }
    long dot2 = 3 + (x & 0xFFFFL) * (y & 0xFF) + (x >>> 16) * (y >>> 8 & 0xFFL);
    return r * 31 + unsigned(dot) + dot2;
  }

  private static void tricks(Device device) throws Exception {
    int n = 500;
    int[] in = Inputs.ints(1, n, Integer.MIN_VALUE, Integer.MAX_VALUE);
    long[] wide = new Random(2).longs(n).toArray();
    in[3] = 0;
    wide[4] = 0;
    MemorySegment out = device.zeros(n * 8L);
    device.kernel("bitTricks").grid(8).block(64).run(device.copy(in), device.copy(wide), out, n);
    long[] expected = new long[n];
    for (int i = 0; i < n; i++) {
      expected[i] = expected(in[i], in[(i + 1) % n], wide[i]);
    }
    Expect.longs(expected, out);
  }
}
