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

  /** A client that spins longer keeps a core from the device's threads where cores are few. */
  private static final Duration SHORTLY_HOT = Duration.ofNanos(100_000);

  private static final int SMALL_ONES = 30_000;
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
   * On shm nothing moves: the time must not know the size, so 64 MiB are held against 16, and
   * against one copy. What is left without the kernel is handing it to the device's threads and
   * waking who waits; the kernel of 8 bytes runs on the thread that polls.
   */
  List<BenchRow> shm() throws IOException {
    progress.say("shm: 64 MiB in and out beside 16 MiB and 8 bytes");
    try (Workbench bench = Workbench.open(farwarp, "shm", SHORTLY_HOT, WINDOW_BYTES, SHARE_MILLIS);
        CopyRoundTrip copy = new CopyRoundTrip()) {
      InvocationRoundTrip small = warmedUp(bench);
      List<Alternation.Sample> large =
          LARGE.run(
              List.of(
                  new InvocationRoundTrip(bench.identity(BYTES), true),
                  new InvocationRoundTrip(bench.identity(BYTES / 4), true),
                  copy,
                  small));
      Alternation.Sample whole = large.get(0);
      double quarterNs = large.get(1).p50Ns();
      double copyNs = large.get(2).p50Ns();
      Alternation.Sample tiny = large.get(3);
      return List.of(
          BenchRow.compared(
                  "shm, 64 MiB in and out, without the kernel",
                  "us",
                  whole.p50Ns() / 1e3,
                  whole.p99Ns() / 1e3,
                  quarterNs / 1e3,
                  "the same with 16 MiB")
              .reaching("at most 1.5x: nothing is copied", whole.p50Ns() <= 1.5 * quarterNs),
          BenchRow.compared(
              "shm, 64 MiB in and out, without the kernel",
              "us",
              whole.p50Ns() / 1e3,
              whole.p99Ns() / 1e3,
              copyNs / 1e3,
              "one copy of 64 MiB"),
          BenchRow.stated(
              "shm, 8 B in and out, without the kernel",
              "us",
              tiny.p50Ns() / 1e3,
              tiny.p99Ns() / 1e3));
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
