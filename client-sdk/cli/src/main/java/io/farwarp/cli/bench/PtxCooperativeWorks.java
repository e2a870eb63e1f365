package io.farwarp.cli.bench;

import io.farwarp.ptx.PtxLaunch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** Loops whose kernels share memory and wait at barriers. */
final class PtxCooperativeWorks {
  /** Of those loops in C. */
  static final double REACH = 0.7;

  private static final double SGEMM_REACH = 0.15;
  private static final int SIDE = 1024;
  private static final int TILE = 16;
  private static final int BODIES = 16 << 10;
  private static final double PULL_TOLERANCE = 1e-3;
  private static final int ELEMENTS = 16 << 20;
  private static final int BYTES = 64 << 20;
  private static final int GRID = 256;
  private static final int BINS = 256;
  private static final int SCANNED = 1024;

  private final PtxKernels kernels;
  private final Optional<CLoops> loops;

  PtxCooperativeWorks(PtxKernels kernels, Optional<CLoops> loops) {
    this.kernels = kernels;
    this.loops = loops;
  }

  PtxWork sgemm(Arena arena) {
    MemorySegment a = PtxMapWorks.numbered(arena, SIDE * SIDE, 13);
    MemorySegment b = PtxMapWorks.numbered(arena, SIDE * SIDE, 7);
    MemorySegment ours = PtxMapWorks.floats(arena, SIDE * SIDE);
    MemorySegment theirs = PtxMapWorks.floats(arena, SIDE * SIDE);
    PtxLaunch launch = kernels.launch("sgemmTiled", 1, a, b, ours, SIDE);
    launch.grid(SIDE / TILE, SIDE / TILE, 1).block(TILE, TILE, 1);
    String figure = "tiled sgemm, 1024, tiles of 16";
    return new PtxWork(
        figure,
        "GFLOP/s",
        2.0 * SIDE * SIDE * SIDE,
        SGEMM_REACH,
        "; 0.5x by SIMD",
        () -> kernels.run(launch),
        loops.map(c -> c.bind("sgemm", a, b, theirs, SIDE)).orElse(null),
        () -> Results.requireEqual(figure, ours, theirs));
  }

  PtxWork nbody(Arena arena) {
    MemorySegment bodies = PtxMapWorks.floats(arena, 4 * BODIES);
    for (int i = 0; i < 4 * BODIES; i++) {
      // Scattered in a unit cube, masses of up to 1 / BODIES.
      float unit = ((i * 0x9E3779B9) >>> 8) * 0x1p-24f;
      bodies.setAtIndex(ValueLayout.JAVA_FLOAT, i, i % 4 == 3 ? unit / BODIES : unit);
    }
    MemorySegment ours = PtxMapWorks.floats(arena, 4 * BODIES);
    MemorySegment theirs = PtxMapWorks.floats(arena, 4 * BODIES);
    PtxLaunch launch = kernels.launch("nbody", BODIES / PtxKernels.BLOCK, bodies, ours, BODIES);
    String figure = "n-body, 16 Ki bodies";
    return new PtxWork(
        figure,
        "M/s",
        1e3 * BODIES * BODIES,
        REACH,
        "",
        () -> kernels.run(launch),
        loops.map(c -> c.bind("nbody", bodies, theirs, BODIES)).orElse(null),
        () -> Results.requireClose(figure, ours, theirs, PULL_TOLERANCE));
  }

  PtxWork reduce(Arena arena) {
    // So small that every partial sum is exact, in whatever order.
    MemorySegment in = PtxMapWorks.numbered(arena, ELEMENTS, 2);
    MemorySegment sums = PtxMapWorks.floats(arena, GRID);
    MemorySegment ours = PtxMapWorks.floats(arena, 1);
    MemorySegment theirs = PtxMapWorks.floats(arena, 1);
    PtxLaunch blocks = kernels.launch("reduce", GRID, in, sums, ELEMENTS);
    PtxLaunch rest = kernels.launch("reduce", 1, sums, ours, GRID);
    String figure = "reduction by shuffles, f32, 16 Mi";
    return new PtxWork(
        figure,
        "GB/s",
        (double) Float.BYTES * ELEMENTS,
        REACH,
        "",
        () -> {
          kernels.run(blocks);
          kernels.run(rest);
        },
        loops.map(c -> c.bind("reduce", in, theirs, ELEMENTS)).orElse(null),
        () -> Results.requireEqual(figure, ours, theirs));
  }

  PtxWork histogram(Arena arena) {
    MemorySegment in = arena.allocate(BYTES, 64);
    for (int i = 0; i < BYTES; i++) {
      in.set(ValueLayout.JAVA_BYTE, i, (byte) ((i * 0x9E3779B9) >>> 24));
    }
    MemorySegment ours = arena.allocate(BINS * (long) Integer.BYTES, 64);
    MemorySegment theirs = arena.allocate(BINS * (long) Integer.BYTES, 64);
    PtxLaunch launch = kernels.launch("histogram", GRID, in, ours, BYTES);
    String figure = "histogram, 256 bins, 64 Mi bytes";
    return new PtxWork(
        figure,
        "GB/s",
        BYTES,
        REACH,
        "",
        () -> kernels.run(launch),
        loops.map(c -> c.bind("histogram", in, theirs, BYTES)).orElse(null),
        () -> Results.requireEqual(figure, ours, theirs));
  }

  PtxWork scan(Arena arena) {
    MemorySegment in = arena.allocate((long) ELEMENTS * Integer.BYTES, 64);
    for (int i = 0; i < ELEMENTS; i++) {
      in.setAtIndex(ValueLayout.JAVA_INT, i, (i * 0x9E3779B9) >>> 12);
    }
    MemorySegment ours = arena.allocate((long) ELEMENTS * Integer.BYTES, 64);
    MemorySegment theirs = arena.allocate((long) ELEMENTS * Integer.BYTES, 64);
    int blocks = ELEMENTS / SCANNED;
    MemorySegment sums = arena.allocate((long) blocks * Integer.BYTES, 64);
    PtxLaunch scanBlocks = kernels.launch("scanBlocks", blocks, in, ours, sums);
    PtxLaunch scanSums = kernels.launch("scanSums", 1, sums, blocks).block(SCANNED, 1, 1);
    PtxLaunch scanAdd = kernels.launch("scanAdd", blocks, ours, sums);
    String figure = "scan, u32, 16 Mi";
    return new PtxWork(
        figure,
        "GB/s",
        2.0 * Integer.BYTES * ELEMENTS,
        REACH,
        "",
        () -> {
          kernels.run(scanBlocks);
          kernels.run(scanSums);
          kernels.run(scanAdd);
        },
        loops.map(c -> c.bind("scan", in, theirs, ELEMENTS)).orElse(null),
        () -> Results.requireEqual(figure, ours, theirs));
  }
}
