package io.farwarp.cli.bench;

import io.farwarp.client.Farwarp;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a round trip costs: a null kernel, hot and warm, beside the raw path it runs on. */
final class LatencyBench {
  private static final long WINDOW_BYTES = 16L << 20;
  private static final Duration HOT = Duration.ofMillis(2);
  private static final int SHARE_MILLIS = 300;
  private static final int INVOCATIONS = 2_000_000;
  private static final Alternation FAST = new Alternation(16, 40_000, 200_000);
  private static final Alternation SOCKET = new Alternation(12, 3_000, 20_000);
  private static final Alternation ASLEEP = new Alternation(12, 1_500, 3_000);

  private final Farwarp farwarp;
  private final BenchProgress progress;

  LatencyBench(Farwarp farwarp, BenchProgress progress) {
    this.farwarp = farwarp;
    this.progress = progress;
  }

  List<BenchRow> shm() throws IOException {
    List<BenchRow> rows = new ArrayList<>();
    try (Workbench bench = Workbench.open(farwarp, "shm", HOT, WINDOW_BYTES, SHARE_MILLIS)) {
      progress.say("shm, hot: null kernel beside a raw ping-pong");
      InvocationRoundTrip ours = new InvocationRoundTrip(bench.nothing(), false);
      List<Double> inC = new ArrayList<>();
      try (RoundTrip raw = new SharedRoundTrip(false)) {
        addCRun(inC);
        List<Alternation.Sample> samples = FAST.run(List.of(ours, raw));
        addCRun(inC);
        Alternation.Sample mine = samples.get(0);
        Alternation.Sample theirs = samples.get(1);
        rows.add(
            BenchRow.compared(
                    "shm, hot, null kernel",
                    "ns",
                    mine.p50Ns(),
                    mine.p99Ns(),
                    theirs.p50Ns(),
                    "raw Java ping-pong, 64 B")
                .reaching("250 ns on top", mine.p50Ns() - theirs.p50Ns() <= 250));
        for (double p50Ns : inC) {
          rows.add(BenchRow.stated("shm, raw ping-pong in C, 64 B", "ns", p50Ns, Double.NaN));
        }
      }
      progress.say("allocation on both sides");
      rows.addAll(new AllocationBench(ours, INVOCATIONS).rows());
    }
    progress.say("shm, warm: null kernel beside a raw futex ping-pong");
    try (Workbench bench =
            Workbench.open(farwarp, "shm", Duration.ZERO, WINDOW_BYTES, SHARE_MILLIS);
        RoundTrip raw = new SharedRoundTrip(true)) {
      List<Alternation.Sample> samples =
          ASLEEP.run(List.of(new InvocationRoundTrip(bench.nothing(), false), raw));
      rows.add(
          microseconds(
              "shm, warm (worker asleep), null kernel", samples, "raw futex ping-pong, 64 B", 1.5));
    }
    return rows;
  }

  List<BenchRow> tcp() throws IOException {
    progress.say("tcp, hot: null kernel beside raw busy NIO; 64 B beside grpc-java");
    try (Workbench bench = Workbench.open(farwarp, "tcp", HOT, WINDOW_BYTES, SHARE_MILLIS);
        RoundTrip raw = new NioRoundTrip(64);
        RoundTrip grpc = new GrpcRoundTrip(64)) {
      List<Alternation.Sample> nothing =
          SOCKET.run(List.of(new InvocationRoundTrip(bench.nothing(), false), raw));
      List<Alternation.Sample> tensor =
          SOCKET.run(List.of(new InvocationRoundTrip(bench.identity(64), false), grpc));
      return List.of(
          microseconds("tcp, hot, null kernel", nothing, "raw busy NIO ping-pong, 64 B", 1.25),
          BenchRow.compared(
              "tcp, hot, 64 B in and out through an identity kernel",
              "us",
              tensor.get(0).p50Ns() / 1e3,
              tensor.get(0).p99Ns() / 1e3,
              tensor.get(1).p50Ns() / 1e3,
              "grpc-java unary, 64 B"));
    }
  }

  private static BenchRow microseconds(
      String figure, List<Alternation.Sample> samples, String baselineName, double reach) {
    Alternation.Sample ours = samples.get(0);
    Alternation.Sample raw = samples.get(1);
    return BenchRow.compared(
            figure, "us", ours.p50Ns() / 1e3, ours.p99Ns() / 1e3, raw.p50Ns() / 1e3, baselineName)
        .reaching("at most " + reach + "x", ours.p50Ns() <= reach * raw.p50Ns());
  }

  private static void addCRun(List<Double> into) throws IOException {
    Optional<CPingPong> program = CPingPong.compile();
    if (program.isPresent()) {
      try (CPingPong pingPong = program.get()) {
        into.add(pingPong.p50Ns());
      }
    }
  }
}
