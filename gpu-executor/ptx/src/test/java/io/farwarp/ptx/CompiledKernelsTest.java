package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Kernels as nvcc compiles them, against the same formulas on the host. */
final class CompiledKernelsTest {
  private static MemorySegment randomFloats(
      Arena arena, int count, long seed, float low, float high) {
    MemorySegment memory = arena.allocate(count * 4L, 256);
    Random random = new Random(seed);
    for (int i = 0; i < count; i++) {
      Ptx.setFloat(memory, i, low + (high - low) * random.nextFloat());
    }
    return memory;
  }

  @Test
  void vector_add_and_grid_stride_saxpy_give_exact_results() throws Exception {
    int n = 10_007;
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(Ptx.resource("linear.ptx"));
        PtxExecutor executor = PtxExecutor.create(2)) {
      MemorySegment a = randomFloats(arena, n, 1, -1, 1);
      MemorySegment b = randomFloats(arena, n, 2, -1, 1);
      MemorySegment c = arena.allocate(n * 4L, 256);
      PtxLaunch add = module.kernel("vectorAdd").newLaunch().block(128, 1, 1).grid(79, 1, 1);
      add.pointer(0, a, 0, n * 4L).pointer(1, b, 0, n * 4L).pointer(2, c, 0, n * 4L).scalar(3, n);
      executor.run(add, Ptx.NEVER);
      for (int i = 0; i < n; i++) {
        assertEquals(Ptx.floatAt(a, i) + Ptx.floatAt(b, i), Ptx.floatAt(c, i));
      }
      PtxLaunch saxpy = module.kernel("saxpy").newLaunch().block(64, 1, 1).grid(3, 1, 1);
      saxpy.scalar(0, n).scalar(1, Float.floatToRawIntBits(0.75f));
      saxpy.pointer(2, a, 0, n * 4L).pointer(3, c, 0, n * 4L);
      executor.run(saxpy, Ptx.NEVER);
      for (int i = 0; i < n; i++) {
        float sum = Ptx.floatAt(a, i) + Ptx.floatAt(b, i);
        assertEquals(Math.fma(0.75f, Ptx.floatAt(a, i), sum), Ptx.floatAt(c, i));
      }
    }
  }

  @Test
  void untiled_matrix_product_sums_in_the_order_of_the_source() throws Exception {
    int m = 33;
    int n = 47;
    int k = 29;
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(Ptx.resource("linear.ptx"));
        PtxExecutor executor = PtxExecutor.create(2)) {
      MemorySegment a = randomFloats(arena, m * k, 3, -1, 1);
      MemorySegment b = randomFloats(arena, k * n, 4, -1, 1);
      MemorySegment c = arena.allocate(m * n * 4L, 256);
      PtxLaunch launch = module.kernel("sgemm").newLaunch().block(16, 8, 1).grid(3, 5, 1);
      launch.scalar(0, m).scalar(1, n).scalar(2, k);
      launch.pointer(3, a, 0, a.byteSize()).pointer(4, b, 0, b.byteSize());
      launch.pointer(5, c, 0, c.byteSize());
      executor.run(launch, Ptx.NEVER);
      for (int row = 0; row < m; row++) {
        for (int column = 0; column < n; column++) {
          float sum = 0;
          for (int i = 0; i < k; i++) {
            sum = Math.fma(Ptx.floatAt(a, row * k + i), Ptx.floatAt(b, i * n + column), sum);
          }
          assertEquals(sum, Ptx.floatAt(c, row * n + column));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"finance.ptx", "finance-fast.ptx"})
  void black_scholes_agrees_with_double_precision(String text) throws Exception {
    int n = 5_000;
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(Ptx.resource(text));
        PtxExecutor executor = PtxExecutor.create(2)) {
      MemorySegment price = randomFloats(arena, n, 5, 5, 30);
      MemorySegment strike = randomFloats(arena, n, 6, 1, 100);
      MemorySegment years = randomFloats(arena, n, 7, 0.25f, 10);
      MemorySegment call = arena.allocate(n * 4L, 256);
      MemorySegment put = arena.allocate(n * 4L, 256);
      PtxLaunch launch = module.kernel("blackScholes").newLaunch().block(128, 1, 1).grid(40, 1, 1);
      int parameter = 0;
      for (MemorySegment memory : new MemorySegment[] {call, put, price, strike, years}) {
        launch.pointer(parameter++, memory, 0, n * 4L);
      }
      launch.scalar(5, Float.floatToRawIntBits(0.02f)).scalar(6, Float.floatToRawIntBits(0.3f));
      launch.scalar(7, n);
      executor.run(launch, Ptx.NEVER);
      for (int i = 0; i < n; i++) {
        double s = Ptx.floatAt(price, i);
        double x = Ptx.floatAt(strike, i);
        double t = Ptx.floatAt(years, i);
        double d1 = (Math.log(s / x) + (0.02 + 0.045) * t) / (0.3 * Math.sqrt(t));
        double d2 = d1 - 0.3 * Math.sqrt(t);
        double present = x * Math.exp(-0.02 * t);
        double expected = s * normal(d1) - present * normal(d2);
        assertEquals(expected, Ptx.floatAt(call, i), 1e-4);
        assertEquals(expected - s + present, Ptx.floatAt(put, i), 1e-4);
      }
      assertTrue(module.kernel("blackScholes").isCompilable());
    }
  }

  private static double normal(double d) {
    double k = 1 / (1 + 0.2316419 * Math.abs(d));
    double series =
        k
            * (0.31938153
                + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))));
    double c = 0.39894228040143267794 * Math.exp(-0.5 * d * d) * series;
    return d > 0 ? 1 - c : c;
  }
}
