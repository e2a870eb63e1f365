package io.farwarp.ptx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Locale;

/**
 * Measures kernels whose threads wait for each other, beside the same work in plain Java on one
 * thread: {@code RegionBench [threads] [what]}, where {@code what} is {@code barriers}, {@code
 * sums}, {@code sgemm} or {@code all}. For people; not a test. After {@code mvn -q -pl
 * gpu-executor/ptx test-compile}:
 *
 * <pre>
 * cd gpu-executor/ptx/target
 * java -XX:+UseG1GC -XX:-UseProfiledLoopPredicate -cp classes:test-classes \\
 *   io.farwarp.ptx.RegionBench 2
 * </pre>
 */
public final class RegionBench {
  private static final int ROUNDS = 7;
  private static final int TILE = 16;
  private static final String BARRIERS =
      """
      .version 6.3
      .target sm_75
      .address_size 64
      .visible .entry barriers(.param .u64 out, .param .u32 rounds)
      {
        .reg .b32 %r<12>;
        .reg .b64 %rd<4>;
        .reg .pred %p<2>;
        ld.param.u64 %rd1, [out];
        ld.param.u32 %r1, [rounds];
        mov.u32 %r2, %tid.x;
        mov.u32 %r3, 1;
        mov.u32 %r4, 2;
        mov.u32 %r5, 3;
        mov.u32 %r6, 0;
      again:
        add.s32 %r2, %r2, %r3;
        xor.b32 %r3, %r3, %r4;
        add.s32 %r4, %r4, %r5;
        xor.b32 %r5, %r5, %r2;
        bar.sync 0;
        add.s32 %r6, %r6, 1;
        setp.lt.u32 %p1, %r6, %r1;
        @%p1 bra again;
        mov.u32 %r7, %ctaid.x;
        mov.u32 %r8, %ntid.x;
        mov.u32 %r9, %tid.x;
        mad.lo.s32 %r7, %r7, %r8, %r9;
        mul.wide.u32 %rd2, %r7, 4;
        add.s64 %rd1, %rd1, %rd2;
        add.s32 %r2, %r2, %r5;
        st.global.u32 [%rd1], %r2;
        ret;
      }
      """;

  private final PtxExecutor executor;

  private RegionBench(PtxExecutor executor) {
    this.executor = executor;
  }

  public static void main(String[] arguments) throws Exception {
    int threads = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 2;
    String what = arguments.length > 1 ? arguments[1] : "all";
    try (PtxExecutor executor = PtxExecutor.create(threads)) {
      RegionBench bench = new RegionBench(executor);
      if (what.equals("barriers") || what.equals("all")) {
        bench.barriers();
      }
      if (what.equals("sums") || what.equals("all")) {
        bench.sums();
      }
      if (what.equals("sgemm") || what.equals("all")) {
        bench.sgemm();
      }
    }
  }

  private interface Work {
    void run() throws PtxFault;
  }

  private long best(PtxLaunch launch) throws PtxFault {
    return best(() -> executor.run(launch, Ptx.NEVER));
  }

  /** The best of several runs, in nanoseconds. */
  private long best(Work work) throws PtxFault {
    long best = Long.MAX_VALUE;
    for (int i = 0; i < ROUNDS; i++) {
      long start = nowNs();
      work.run();
      best = Math.min(best, nowNs() - start);
    }
    return best;
  }

  private void print(String what, double value, String unit) {
    System.out.printf(
        Locale.ROOT, "%-52s %10.2f %s, %d threads%n", what, value, unit, executor.threads());
  }

  /** With one thread its CPU time, which other work on the machine does not change much. */
  private long nowNs() {
    return executor.threads() == 1
        ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime()
        : System.nanoTime();
  }

  private static void printJava(String what, double value, String unit) {
    System.out.printf(Locale.ROOT, "%-52s %10.1f %s, plain Java, 1 thread%n", what, value, unit);
  }

  private void barriers() throws Exception {
    int blocks = 64;
    int rounds = 10_000;
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(BARRIERS)) {
      MemorySegment out = arena.allocate(blocks * 256 * 4L, 256);
      PtxLaunch launch = module.kernel("barriers").newLaunch().grid(blocks, 1, 1);
      launch.block(256, 1, 1).pointer(0, out, 0, out.byteSize()).scalar(1, rounds);
      double barriers = (double) blocks * 256 * rounds;
      print(
          "thread-barriers, 256-thread blocks, 5 live registers",
          barriers / best(launch) * 1e3,
          "M/s");
    }
  }

  private void sums() throws Exception {
    int n = 1 << 24;
    int blocks = 256;
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(Ptx.resource("cooperation.ptx"))) {
      MemorySegment in = arena.allocate(n * 4L, 256);
      for (int i = 0; i < n; i++) {
        Ptx.setFloat(in, i, i & 7);
      }
      MemorySegment out = arena.allocate(blocks * 4L, 256);
      for (String kernel : new String[] {"reduceShuffle", "reduceShared"}) {
        PtxLaunch launch = module.kernel(kernel).newLaunch().grid(blocks, 1, 1).block(256, 1, 1);
        launch.pointer(0, in, 0, n * 4L).pointer(1, out, 0, blocks * 4L).scalar(2, n);
        launch.dynamicSharedBytes(1024);
        print(kernel + ", 16 Mi f32", (double) n * 4 / best(launch), "GB/s");
      }
      float[] result = new float[1];
      printJava(
          "sum in order, 16 Mi f32", (double) n * 4 / best(() -> result[0] += sum(in, n)), "GB/s");
      int many = n / 256;
      MemorySegment sums = arena.allocate(many * 4L, 256);
      PtxLaunch launch = module.kernel("reduceShuffle").newLaunch().grid(many, 1, 1);
      launch.block(256, 1, 1).pointer(0, in, 0, n * 4L).pointer(1, sums, 0, many * 4L);
      launch.scalar(2, n);
      print("reduceShuffle, one element a thread", (double) n * 4 / best(launch), "GB/s");
    }
  }

  private static float sum(MemorySegment in, int n) {
    float sum = 0;
    for (int i = 0; i < n; i++) {
      sum += Ptx.floatAt(in, i);
    }
    return sum;
  }

  private void sgemm() throws Exception {
    int n = 1024;
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(Ptx.resource("cooperation.ptx"))) {
      MemorySegment a = arena.allocate(n * n * 4L, 256);
      MemorySegment b = arena.allocate(n * n * 4L, 256);
      MemorySegment c = arena.allocate(n * n * 4L, 256);
      for (int i = 0; i < n * n; i++) {
        Ptx.setFloat(a, i, i % 13);
        Ptx.setFloat(b, i, i % 7);
      }
      PtxLaunch launch = module.kernel("sgemmTiled").newLaunch().block(16, 16, 1);
      launch.grid(n / 16, n / 16, 1).scalar(0, n).scalar(1, n).scalar(2, n);
      launch.pointer(3, a, 0, n * n * 4L).pointer(4, b, 0, n * n * 4L);
      launch.pointer(5, c, 0, n * n * 4L);
      double operations = 2.0 * n * n * n;
      print("tiled sgemm 1024, tiles of 16", operations / best(launch), "GFLOP/s");
      float[] x = a.toArray(ValueLayout.JAVA_FLOAT);
      float[] y = b.toArray(ValueLayout.JAVA_FLOAT);
      float[] z = new float[n * n];
      double java = operations / best(() -> multiply(n, x, y, z));
      printJava("the same tiles", java, "GFLOP/s");
    }
  }

  /** The product by tiles, in the kernel's order. */
  private static void multiply(int n, float[] a, float[] b, float[] c) {
    float[] tileA = new float[TILE * TILE];
    float[] tileB = new float[TILE * TILE];
    float[] sums = new float[TILE * TILE];
    for (int row = 0; row < n; row += TILE) {
      for (int column = 0; column < n; column += TILE) {
        Arrays.fill(sums, 0);
        for (int t = 0; t < n; t += TILE) {
          for (int y = 0; y < TILE; y++) {
            System.arraycopy(a, (row + y) * n + t, tileA, y * TILE, TILE);
            System.arraycopy(b, (t + y) * n + column, tileB, y * TILE, TILE);
          }
          multiplyTiles(tileA, tileB, sums);
        }
        for (int y = 0; y < TILE; y++) {
          System.arraycopy(sums, y * TILE, c, (row + y) * n + column, TILE);
        }
      }
    }
  }

  private static void multiplyTiles(float[] a, float[] b, float[] sums) {
    for (int y = 0; y < TILE; y++) {
      for (int x = 0; x < TILE; x++) {
        float sum = sums[y * TILE + x];
        for (int i = 0; i < TILE; i++) {
          sum = Math.fma(a[y * TILE + i], b[i * TILE + x], sum);
        }
        sums[y * TILE + x] = sum;
      }
    }
  }
}
