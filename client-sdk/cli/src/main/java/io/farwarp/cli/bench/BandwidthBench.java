package io.farwarp.cli.bench;

import io.farwarp.client.Farwarp;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What moving 64 MiB in and 64 MiB out costs, the kernel's own time left out. */
final class BandwidthBench {
  private static final int BYTES = 64 << 20;
  private static final long WINDOW_BYTES = 256L << 20;
  private static final int SHARE_MILLIS = 500;
  private static final Duration HOT = Duration.ofMillis(2);

  private static final int SMALL_ONES = 30_000;
  private static final Alternation SMALL = new Alternation(10, 20_000, 50_000);
  private static final Alternation LARGE = new Alternation(8, 10, 10);

  private final Farwarp farwarp;
  private final BenchProgress progress;

  BandwidthBench(Farwarp farwarp, BenchProgress progress) {
    this.farwarp = farwarp;
    this.progress = progress;
  }

  /** A few large transfers compile nothing: many small ones take the same way through the code. */
  private static InvocationRoundTrip warmedUp(Workbench bench) {
    InvocationRoundTrip small = new InvocationRoundTrip(bench.identity(8), true);
    for (int i = 0; i < SMALL_ONES; i++) {
      small.once();
    }
    return small;
  }

  List<BenchRow> tcp() throws IOException {
    progress.say("tcp: 64 MiB in and out beside raw NIO and grpc-java");
    try (Workbench bench = Workbench.open(farwarp, "tcp", HOT, WINDOW_BYTES, SHARE_MILLIS);
        RoundTrip raw = new NioRoundTrip(BYTES);
        RoundTrip grpc = new GrpcRoundTrip(BYTES)) {
      var _ = warmedUp(bench);
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
   * On shm nothing moves: a call whose kernel touches nothing must not know the size of its
   * tensors. Through the identity kernel what is left without the kernel is the waking of those who
   * slept meanwhile: of the client, and from 2 ms on of the worker's thread that took over.
   */
  List<BenchRow> shm() throws IOException {
    progress.say("shm: 64 MiB in and out beside 16 MiB and 8 bytes");
    List<BenchRow> rows = new ArrayList<>();
    try (Workbench bench = Workbench.open(farwarp, "shm", HOT, WINDOW_BYTES, SHARE_MILLIS)) {
      rows.add(untouched(bench));
    }
    try (Workbench bench = Workbench.open(farwarp, "shm", HOT, WINDOW_BYTES, SHARE_MILLIS);
        CopyRoundTrip copy = new CopyRoundTrip()) {
      rows.addAll(identity(bench, copy));
    }
    return rows;
  }

  private static BenchRow untouched(Workbench bench) throws IOException {
    List<Alternation.Sample> samples =
        SMALL.run(
            List.of(
                new InvocationRoundTrip(bench.untouched(BYTES), false),
                new InvocationRoundTrip(bench.untouched(8), false)));
    Alternation.Sample large = samples.get(0);
    double smallNs = samples.get(1).p50Ns();
    return BenchRow.compared(
            "shm, hot, 64 MiB in and out, a kernel that touches nothing",
            "ns",
            large.p50Ns(),
            large.p99Ns(),
            smallNs,
            "the same with 8 B")
        .reaching("at most 1.1x: independent of size", large.p50Ns() <= 1.1 * smallNs);
  }

  private static List<BenchRow> identity(Workbench bench, CopyRoundTrip copy) throws IOException {
    String figure = "shm, 64 MiB in and out, without the kernel";
    InvocationRoundTrip small = warmedUp(bench);
    List<Alternation.Sample> samples =
        LARGE.run(
            List.of(
                new InvocationRoundTrip(bench.identity(BYTES), true),
                new InvocationRoundTrip(bench.identity(BYTES / 4), true),
                copy,
                small));
    double wholeUs = samples.get(0).p50Ns() / 1e3;
    double slowestUs = samples.get(0).p99Ns() / 1e3;
    double quarterUs = samples.get(1).p50Ns() / 1e3;
    double copyUs = samples.get(2).p50Ns() / 1e3;
    Alternation.Sample tiny = samples.get(3);
    return List.of(
        BenchRow.compared(figure, "us", wholeUs, slowestUs, quarterUs, "the same with 16 MiB"),
        BenchRow.compared(figure, "us", wholeUs, slowestUs, copyUs, "one copy of 64 MiB"),
        BenchRow.stated(
            "shm, 8 B in and out, without the kernel",
            "us",
            tiny.p50Ns() / 1e3,
            tiny.p99Ns() / 1e3));
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
