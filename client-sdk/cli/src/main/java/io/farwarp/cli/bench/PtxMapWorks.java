package io.farwarp.cli.bench;

import io.farwarp.ptx.PtxLaunch;
import io.farwarp.samples.OptionBook;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** Loops whose iterations know nothing of each other. */
final class PtxMapWorks {
  private static final int OPTIONS = 10_000_000;
  private static final long SEED = 20_260_101;
  private static final double PRICE_TOLERANCE = 1e-4;
  private static final int SIDE = 4096;
  private static final int TILE_X = 32;
  private static final int TILE_Y = 8;
  private static final double MEMORY_REACH = 0.9;

  private final PtxKernels kernels;
  private final Optional<CLoops> loops;

  PtxMapWorks(PtxKernels kernels, Optional<CLoops> loops) {
    this.kernels = kernels;
    this.loops = loops;
  }

  PtxWork blackScholes(Arena arena) {
    OptionBook book =
        new OptionBook(
            floats(arena, OPTIONS),
            floats(arena, OPTIONS),
            floats(arena, OPTIONS),
            floats(arena, OPTIONS),
            floats(arena, OPTIONS),
            floats(arena, OPTIONS),
            floats(arena, OPTIONS));
    book.fill(SEED, 0, 0, OPTIONS);
    MemorySegment inC = floats(arena, OPTIONS);
    PtxLaunch launch =
        kernels.launch(
            "black_scholes",
            blocks(OPTIONS),
            book.spot(),
            book.strike(),
            book.rate(),
            book.volatility(),
            book.time(),
            book.type(),
            book.price(),
            (long) OPTIONS);
    Runnable loop =
        loops
            .map(c ->
                c.bind(
                    "black_scholes",
                    book.spot(),
                    book.strike(),
                    book.rate(),
                    book.volatility(),
                    book.time(),
                    book.type(),
                    inC,
                    (long) OPTIONS))
            .orElse(null);
    String figure = "Black-Scholes, f32, 10 M";
    return new PtxWork(
        figure,
        "M/s",
        OPTIONS * 1e3,
        1,
        "; 2x by SIMD",
        () -> kernels.run(launch),
        loop,
        () -> Results.requireClose(figure, book.price(), inC, PRICE_TOLERANCE));
  }

  PtxWork vecadd(Arena arena, long n) {
    MemorySegment a = numbered(arena, n, 1000);
    MemorySegment b = numbered(arena, n, 77);
    MemorySegment ours = floats(arena, n);
    MemorySegment theirs = floats(arena, n);
    PtxLaunch launch = kernels.launch("vecadd", blocks(n), a, b, ours, n);
    String figure = "vecadd, " + millions(n);
    return new PtxWork(
        figure,
        "GB/s",
        3.0 * Float.BYTES * n,
        MEMORY_REACH,
        "",
        () -> kernels.run(launch),
        loops.map(c -> c.bind("vecadd", a, b, theirs, n)).orElse(null),
        () -> Results.requireEqual(figure, ours, theirs));
  }

  PtxWork saxpy(Arena arena, long n) {
    float factor = 0.5f;
    MemorySegment x = numbered(arena, n, 1000);
    MemorySegment ours = numbered(arena, n, 77);
    MemorySegment theirs = numbered(arena, n, 77);
    PtxLaunch launch = kernels.launch("saxpy", blocks(n), factor, x, ours, n);
    String figure = "saxpy, " + millions(n);
    return new PtxWork(
        figure,
        "GB/s",
        3.0 * Float.BYTES * n,
        MEMORY_REACH,
        "",
        () -> kernels.run(launch),
        loops.map(c -> c.bind("saxpy", factor, x, theirs, n)).orElse(null),
        () -> Results.requireEqual(figure, ours, theirs));
  }

  PtxWork jacobi(Arena arena) {
    long n = (long) SIDE * SIDE;
    MemorySegment in = numbered(arena, n, 1013);
    MemorySegment ours = floats(arena, n);
    MemorySegment theirs = floats(arena, n);
    PtxLaunch launch = kernels.launch("jacobi", 1, in, ours, SIDE, SIDE);
    launch.grid(SIDE / TILE_X, SIDE / TILE_Y, 1).block(TILE_X, TILE_Y, 1);
    String figure = "Jacobi, 4096 x 4096";
    return new PtxWork(
        figure,
        "M/s",
        n * 1e3,
        PtxCooperativeWorks.REACH,
        "",
        () -> kernels.run(launch),
        loops.map(c -> c.bind("jacobi", in, theirs, SIDE, SIDE)).orElse(null),
        () -> Results.requireEqual(figure, ours, theirs));
  }

  static long blocks(long threads) {
    return (threads + PtxKernels.BLOCK - 1) / PtxKernels.BLOCK;
  }

  static MemorySegment floats(Arena arena, long n) {
    return arena.allocate(n * Float.BYTES, 64);
  }

  /** Whole numbers below {@code modulus}, so that sums of few of them are exact. */
  static MemorySegment numbered(Arena arena, long n, int modulus) {
    MemorySegment memory = floats(arena, n);
    for (long i = 0; i < n; i++) {
      memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (i % modulus));
    }
    return memory;
  }

  static String millions(long n) {
    return (n >> 20) + " Mi";
  }
}
