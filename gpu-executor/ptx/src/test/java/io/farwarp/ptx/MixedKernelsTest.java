package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Kernels of many kinds as nvcc compiles {@code mixed.cu}, against the host. */
final class MixedKernelsTest {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE;

  private final Arena arena = Arena.ofShared();
  private final PtxModule module = load();
  private final PtxExecutor executor = PtxExecutor.create(2);

  private static PtxModule load() {
    try {
      return Ptx.load(Ptx.resource("mixed.ptx"));
    } catch (PtxException e) {
      throw new IllegalStateException(e);
    }
  }

  @AfterEach
  void close() {
    executor.close();
    module.close();
    arena.close();
  }

  private PtxLaunch launch(String kernel, int grid, int block) {
    return module.kernel(kernel).newLaunch().grid(grid, 1, 1).block(block, 1, 1);
  }

  private MemorySegment bytes(long size) {
    return arena.allocate(size, 256);
  }

  @Test
  void struct_by_value_constants_and_local_arrays() throws Exception {
    int n = 1000;
    MemorySegment in = bytes(n * 4L);
    MemorySegment out = bytes(n * 4L);
    for (int i = 0; i < n; i++) {
      in.setAtIndex(FLOAT, i, i * 0.5f);
    }
    MemorySegment struct = bytes(32);
    struct.set(INT, 0, 3);
    struct.set(DOUBLE, 8, 1.25);
    for (int i = 0; i < 3; i++) {
      struct.set(FLOAT, 16 + 4 * i, 10f * i);
    }
    PtxLaunch launch = launch("affine", 3, 64).bytes(0, struct).scalar(3, n);
    launch.pointer(1, in, 0, n * 4L).pointer(2, out, 0, n * 4L);
    executor.run(launch, Ptx.NEVER);
    float[] weights = {0.25f, 0.5f, 0.125f, 2.0f};
    float[] scratch = new float[8];
    for (int k = 0; k < 8; k++) {
      scratch[(k * 3) & 7] = (float) (1.25 * k);
    }
    for (int i = 0; i < n; i++) {
      float expected =
          in.getAtIndex(FLOAT, i)
              + scratch[i & 7]
              + 10f * (i % 3)
              + weights[i & 3]
              + weights[(i + 1) & 3];
      assertEquals(expected, out.getAtIndex(FLOAT, i), "element " + i);
    }
  }

  @Test
  void atomics_count_exactly_on_two_threads_and_variables_persist() throws Exception {
    int n = 100_000;
    MemorySegment in = bytes(n);
    MemorySegment bins = bytes(257 * 4);
    int[] expected = new int[256];
    Random random = new Random(1);
    for (int i = 0; i < n; i++) {
      byte value = (byte) (random.nextInt(16) * 16);
      in.set(ValueLayout.JAVA_BYTE, i, value);
      expected[value & 0xFF]++;
    }
    PtxLaunch launch = launch("histogram", (n + 255) / 256, 256);
    launch.pointer(0, in, 0, n).pointer(1, bins, 0, 257 * 4).scalar(2, n);
    executor.run(launch, Ptx.NEVER);
    executor.run(launch, Ptx.NEVER);
    for (int i = 0; i < 256; i++) {
      assertEquals(2 * expected[i], bins.getAtIndex(INT, i), "bin " + i);
    }
    assertEquals(9, bins.getAtIndex(INT, 256));
  }

  @Test
  void integer_hash_is_exact() throws Exception {
    int n = 5000;
    MemorySegment in = bytes(n * 8L);
    MemorySegment out = bytes(n * 8L);
    Random random = new Random(2);
    for (int i = 0; i < n; i++) {
      in.setAtIndex(LONG, i, random.nextLong());
    }
    PtxLaunch launch = launch("hash", (n + 127) / 128, 128);
    launch.pointer(0, in, 0, n * 8L).pointer(1, out, 0, n * 8L).scalar(2, n);
    executor.run(launch, Ptx.NEVER);
    for (int i = 0; i < n; i++) {
      assertEquals(hash(in.getAtIndex(LONG, i)), out.getAtIndex(LONG, i), "element " + i);
    }
  }

  private static long hash(long x) {
    long h = x;
    h = (h ^ h >>> 33) * 0xff51afd7ed558ccdL;
    h = (h ^ h >>> 33) * 0xc4ceb9fe1a85ec53L;
    h ^= h >>> 33;
    int high = (int) (h >>> 32);
    int low = Integer.rotateLeft((int) h, 13) * 5 + 0xe6546b64;
    // __byte_perm(low, high, 0x2143): bytes 3, 4, 1, 2 of high:low, lowest first.
    int mixed =
        (low >>> 24) | (high & 0xFF) << 8 | (low >>> 8 & 0xFF) << 16 | (low >>> 16 & 0xFF) << 24;
    long result = (long) mixed << 32 | Integer.bitCount(high);
    return result
        + Math.unsignedMultiplyHigh(h, x)
        + Long.remainderUnsigned(h, 1000003)
        + Long.numberOfLeadingZeros(h);
  }

  @Test
  void double_precision_library_functions_agree_with_java() throws Exception {
    int n = 4000;
    MemorySegment in = bytes(n * 8L);
    MemorySegment out = bytes(n * 8L);
    for (int i = 0; i < n; i++) {
      in.setAtIndex(DOUBLE, i, i < 3000 ? (i - 1500) * 0.01 : i * 1e12);
    }
    PtxLaunch launch = launch("waves", (n + 127) / 128, 128);
    launch.pointer(0, in, 0, n * 8L).pointer(1, out, 0, n * 8L).scalar(2, n);
    executor.run(launch, Ptx.NEVER);
    for (int i = 0; i < n; i++) {
      double x = in.getAtIndex(DOUBLE, i);
      double expected =
          Math.sin(x) + Math.exp(-x * x) * Math.log1p(Math.abs(x)) + Math.pow(Math.abs(x), 1.25);
      double error = Math.abs(out.getAtIndex(DOUBLE, i) - expected);
      assertTrue(error <= 1e-14 * Math.max(1, Math.abs(expected)), x + ": " + error);
    }
  }

  @Test
  void mandelbrot_counts_are_exact() throws Exception {
    int width = 96;
    int height = 64;
    MemorySegment out = bytes(width * height * 4L);
    PtxLaunch launch = module.kernel("mandelbrot").newLaunch().grid(6, 8, 1).block(16, 8, 1);
    launch.pointer(0, out, 0, out.byteSize()).scalar(1, width).scalar(2, height).scalar(3, 200);
    executor.run(launch, Ptx.NEVER);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        assertEquals(escape(x, y, width, height), out.getAtIndex(INT, y * width + x));
      }
    }
  }

  private static int escape(int x, int y, int width, int height) {
    float cr = -2.0f + 3.0f * x / width;
    float ci = -1.5f + 3.0f * y / height;
    float r = 0;
    float i = 0;
    int k = 0;
    while (k < 200 && Math.fma(r, r, i * i) < 4.0f) {
      float t = r * r - i * i + cr;
      i = 2.0f * r * i + ci;
      r = t;
      k++;
    }
    return k;
  }

  @Test
  void jacobi_sweep_is_exact_and_leaves_the_border() throws Exception {
    int width = 70;
    int height = 50;
    MemorySegment in = bytes(width * height * 4L);
    MemorySegment out = bytes(width * height * 4L);
    Random random = new Random(3);
    for (int i = 0; i < width * height; i++) {
      in.setAtIndex(FLOAT, i, random.nextFloat());
      out.setAtIndex(FLOAT, i, -1f);
    }
    PtxLaunch launch = module.kernel("jacobi").newLaunch().grid(5, 7, 1).block(16, 8, 1);
    launch.pointer(0, in, 0, in.byteSize()).pointer(1, out, 0, out.byteSize());
    executor.run(launch.scalar(2, width).scalar(3, height), Ptx.NEVER);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int at = y * width + x;
        boolean border = x == 0 || y == 0 || x == width - 1 || y == height - 1;
        float expected =
            border
                ? -1f
                : 0.25f
                    * ((in.getAtIndex(FLOAT, at - 1) + in.getAtIndex(FLOAT, at + 1))
                        + (in.getAtIndex(FLOAT, at - width) + in.getAtIndex(FLOAT, at + width)));
        assertEquals(expected, out.getAtIndex(FLOAT, at));
      }
    }
  }

  @Test
  void n_body_accelerations_agree_with_double_precision() throws Exception {
    int n = 300;
    MemorySegment in = bytes(n * 16L);
    MemorySegment out = bytes(n * 16L);
    Random random = new Random(4);
    for (int i = 0; i < 4 * n; i++) {
      in.setAtIndex(FLOAT, i, random.nextFloat());
    }
    PtxLaunch launch = launch("nbody", 5, 64).scalar(2, n);
    launch.scalar(3, Float.floatToRawIntBits(0.01f));
    executor.run(launch.pointer(0, in, 0, n * 16L).pointer(1, out, 0, n * 16L), Ptx.NEVER);
    for (int i = 0; i < n; i++) {
      for (int axis = 0; axis < 3; axis++) {
        double expected = acceleration(in, n, i, axis);
        assertEquals(
            expected, out.getAtIndex(FLOAT, 4L * i + axis), 1e-4 * (1 + Math.abs(expected)));
      }
    }
  }

  private static double acceleration(MemorySegment in, int n, int i, int axis) {
    double sum = 0;
    for (int j = 0; j < n; j++) {
      double square = 0.01;
      for (int k = 0; k < 3; k++) {
        double d = in.getAtIndex(FLOAT, 4L * j + k) - in.getAtIndex(FLOAT, 4L * i + k);
        square += d * d;
      }
      double mass = in.getAtIndex(FLOAT, 4L * j + 3);
      double d = in.getAtIndex(FLOAT, 4L * j + axis) - in.getAtIndex(FLOAT, 4L * i + axis);
      sum += mass * d / (square * Math.sqrt(square));
    }
    return sum;
  }

  @Test
  void recursive_device_function_returns_its_value() throws Exception {
    int n = 500;
    MemorySegment out = bytes(n * 4L);
    executor.run(launch("steps", 8, 64).pointer(0, out, 0, n * 4L).scalar(1, n), Ptx.NEVER);
    for (int i = 0; i < n; i++) {
      int steps = 0;
      for (long x = i + 1; x != 1; steps++) {
        x = x % 2 != 0 ? 3 * x + 1 : x / 2;
      }
      assertEquals(steps, out.getAtIndex(INT, i), "start " + (i + 1));
    }
  }
}
