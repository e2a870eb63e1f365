package io.farwarp.cli.bench;

import io.farwarp.client.Farwarp;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;

/** What moving 64 MiB in and 64 MiB out costs, the kernel's own time left out. */
final class BandwidthBench {
  private static final int BYTES = 64 << 20;
  private static final long WINDOW_BYTES = 256L << 20;
  private static final int SHARE_MILLIS = 500;
  private static final Duration HOT = Duration.ofMillis(2);
  private static final Alternation LARGE = new Alternation(8, 5, 10);

  private final Farwarp farwarp;
  private final BenchProgress progress;

  BandwidthBench(Farwarp farwarp, BenchProgress progress) {
    this.farwarp = farwarp;
    this.progress = progress;
  }

  List<BenchRow> tcp() throws IOException {
    progress.say("tcp: 64 MiB in and out beside raw NIO and grpc-java");
    try (Workbench bench = Workbench.open(farwarp, "tcp", HOT, WINDOW_BYTES, SHARE_MILLIS);
        RoundTrip raw = new NioRoundTrip(BYTES);
        RoundTrip grpc = new GrpcRoundTrip(BYTES)) {
      List<Alternation.Sample> samples =
          LARGE.run(List.of(new InvocationRoundTrip(bench.identity(BYTES), true), raw, grpc));
      double ours = gigabytesPerSecond(samples.get(0).p50Ns());
      double slowest = gigabytesPerSecond(samples.get(0).p99Ns());
      double nio = gigabytesPerSecond(samples.get(1).p50Ns());
      return List.of(
          BenchRow.compared(
                  "tcp, 64 MiB in and out, without the kernel",
                  "GB/s",
                  ours,
                  slowest,
                  nio,
                  "raw busy NIO, 64 MiB there and back")
              .reaching("at least 0.95x", ours >= 0.95 * nio),
          BenchRow.compared(
              "tcp, 64 MiB in and out, without the kernel",
              "GB/s",
              ours,
              slowest,
              gigabytesPerSecond(samples.get(2).p50Ns()),
              "grpc-java unary, 64 MiB"));
    }
  }

  /**
   * On shm nothing moves: the time must not know the size, so it is held against the cost of
   * copying once.
   */
  List<BenchRow> shm() throws IOException {
    progress.say("shm: 64 MiB in and out beside 8 bytes");
    try (Workbench bench = Workbench.open(farwarp, "shm", HOT, WINDOW_BYTES, SHARE_MILLIS);
        CopyRoundTrip copy = new CopyRoundTrip()) {
      List<Alternation.Sample> large =
          LARGE.run(
              List.of(
                  new InvocationRoundTrip(bench.identity(BYTES), true),
                  copy,
                  new InvocationRoundTrip(bench.identity(8), true)));
      double largeUs = large.get(0).p50Ns() / 1e3;
      double copyUs = large.get(1).p50Ns() / 1e3;
      double smallUs = large.get(2).p50Ns() / 1e3;
      return List.of(
          BenchRow.compared(
                  "shm, 64 MiB in and out, without the kernel",
                  "us",
                  largeUs,
                  large.get(0).p99Ns() / 1e3,
                  copyUs,
                  "one copy of 64 MiB")
              .reaching("under 0.05x: nothing is copied", largeUs < 0.05 * copyUs),
          BenchRow.stated(
              "shm, 8 B in and out, without the kernel",
              "us",
              smallUs,
              large.get(2).p99Ns() / 1e3));
    }
  }

  private static double gigabytesPerSecond(double roundTripNs) {
    return 2.0 * BYTES / roundTripNs;
  }

  /** Baseline: one copy of the same size within this process. */
  private static final class CopyRoundTrip implements RoundTrip {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment from = arena.allocate(BYTES, 4096);
    private final MemorySegment to = arena.allocate(BYTES, 4096);

    @Override
    public void resume() {}

    @Override
    public void once() {
      MemorySegment.copy(from, 0, to, 0, BYTES);
    }

    @Override
    public void pause() {}

    @Override
    public void close() {
      arena.close();
    }
  }
}
