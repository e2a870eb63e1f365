package io.farwarp.cli.bench;

import io.farwarp.ptx.PtxLaunch;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** What a barrier and a launch cost, whatever the kernel does beside them. */
final class PtxFixedCosts {
  private static final int BARRIER_BLOCKS = 64;
  private static final int BARRIERS = 2000;
  private static final double BARRIER_REACH = 300;
  private static final Alternation BARRIER_TURNS = new Alternation(15, 1, 15);

  private static final int WARP = 32;
  private static final double LAUNCH_REACH_NS = 150;
  private static final Alternation LAUNCH_TURNS = new Alternation(16, 20_000, 100_000);

  /** Launches between two looks at the clock, which costs as much as a tenth of one. */
  private static final int LAUNCHES = 16;

  private final PtxKernels kernels;
  private final int threads;

  PtxFixedCosts(PtxKernels kernels, int threads) {
    this.kernels = kernels;
    this.threads = threads;
  }

  BenchRow barriers() throws IOException {
    try (Arena arena = Arena.ofShared()) {
      long perRun = (long) BARRIER_BLOCKS * PtxKernels.BLOCK;
      MemorySegment out = arena.allocate(perRun * Integer.BYTES, 64);
      PtxLaunch launch = kernels.launch("barriers", BARRIER_BLOCKS, out, BARRIERS);
      Alternation.Sample sample =
          BARRIER_TURNS.run(List.of(new PtxBench.Repeated(() -> kernels.run(launch)))).getFirst();
      double perSecond = perRun * BARRIERS * 1e3 / sample.p50Ns();
      return BenchRow.stated(
              "thread-barriers, 256-thread blocks, 4 live registers, " + threads + " threads",
              "M/s",
              perSecond,
              perRun * BARRIERS * 1e3 / sample.p99Ns())
          .reaching("300 M/s on 2 cores", perSecond >= BARRIER_REACH);
    }
  }

  BenchRow nothing() throws IOException {
    PtxLaunch launch = kernels.launch("nothing", 1).block(WARP, 1, 1);
    Runnable launches =
        () -> {
          for (int i = 0; i < LAUNCHES; i++) {
            kernels.run(launch);
          }
        };
    try (RoundTrip raw = new SharedRoundTrip(false)) {
      List<Alternation.Sample> samples =
          LAUNCH_TURNS.run(List.of(new PtxBench.Repeated(launches), raw));
      double launchNs = samples.get(0).p50Ns() / LAUNCHES;
      return BenchRow.compared(
              "null kernel launch, grid 1, block 32",
              "ns",
              launchNs,
              samples.get(0).p99Ns() / LAUNCHES,
              samples.get(1).p50Ns(),
              "raw Java ping-pong, 64 B")
          .reaching("under 150 ns", launchNs < LAUNCH_REACH_NS);
    }
  }
}
