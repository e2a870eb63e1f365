package io.farwarp.cli.bench;

import io.farwarp.client.Farwarp;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What calls and tensors over RDMA cost, beside the same verbs without anything of Farwarp. */
final class VerbsBench {
  private static final long WINDOW_BYTES = 16L << 20;
  private static final int SHARE_MILLIS = 500;
  private static final Duration HOT = Duration.ofMillis(2);
  private static final int SMALL_ONES = 30_000;

  /** What a null invocation and its completion have. */
  private static final int MESSAGE_BYTES = 64;

  /**
   * How much is measured.
   *
   * @param hot null invocations beside the ping-pong that polls
   * @param warm beside the one by completion events
   * @param large transfers of {@code largeBytes} beside ib_write_bw
   * @param warmingUp small invocations before large ones
   * @param allocating invocations whose allocation is measured
   * @param openings sessions with each window
   */
  record Effort(
      Alternation hot,
      Alternation warm,
      Alternation large,
      int largeBytes,
      int warmingUp,
      int allocating,
      int openings) {
    static Effort full() {
      return new Effort(
          new Alternation(40, 1_000, 100_000),
          new Alternation(40, 500, 20_000),
          new Alternation(6, 1, 1),
          64 << 20,
          SMALL_ONES,
          400_000,
          9);
    }

    /** Shows that it works; its figures mean nothing. */
    static Effort least() {
      return new Effort(
          new Alternation(2, 20, 20),
          new Alternation(2, 20, 20),
          new Alternation(1, 1, 1),
          1 << 20,
          20,
          20,
          1);
    }
  }

  private final Farwarp farwarp;
  private final BenchProgress progress;
  private final String address;
  private final Effort effort;

  /**
   * @param address of this host's RDMA device
   */
  VerbsBench(Farwarp farwarp, BenchProgress progress, String address, Effort effort) {
    this.farwarp = farwarp;
    this.progress = progress;
    this.address = address;
    this.effort = effort;
  }

  /** Round trips, allocation, and what comes before the first one. */
  List<BenchRow> latency() throws IOException {
    List<BenchRow> rows = new ArrayList<>();
    try (VerbsPingPong raw = VerbsPingPong.start(address, MESSAGE_BYTES)) {
      rows.addAll(hot(raw));
      rows.addAll(warm(raw));
    }
    progress.say("verbs: opening sessions");
    rows.addAll(new VerbsOpenings(farwarp, effort.openings()).rows());
    return rows;
  }

  private List<BenchRow> hot(VerbsPingPong raw) throws IOException {
    progress.say("verbs, hot: null kernel beside a raw ping-pong that polls");
    List<BenchRow> rows = new ArrayList<>();
    try (Workbench bench = open(HOT, WINDOW_BYTES)) {
      InvocationRoundTrip ours = new InvocationRoundTrip(bench.nothing(), false);
      List<Alternation.Sample> samples = effort.hot().run(List.of(ours, raw.polling()));
      rows.addAll(compared("verbs, hot, null kernel", samples, "raw ping-pong in C, polling", 1.1));
      progress.say("verbs: allocation on both sides");
      rows.addAll(new AllocationBench(ours, effort.allocating()).rows());
      rows.add(kilobyte(bench));
    }
    return rows;
  }

  private BenchRow kilobyte(Workbench bench) throws IOException {
    progress.say("verbs, hot: 1 KiB in and out beside a raw ping-pong of as much");
    try (VerbsPingPong raw = VerbsPingPong.start(address, 1024)) {
      List<Alternation.Sample> samples =
          effort
              .hot()
              .run(List.of(new InvocationRoundTrip(bench.identity(1024), false), raw.polling()));
      Alternation.Sample mine = samples.getFirst();
      return BenchRow.compared(
          "verbs, hot, 1 KiB in and out through an identity kernel",
          "us",
          mine.p50Ns() / 1e3,
          mine.p99Ns() / 1e3,
          samples.get(1).p50Ns() / 1e3,
          "ping-pong in C, 1 KiB, polling");
    }
  }

  private List<BenchRow> warm(VerbsPingPong raw) throws IOException {
    progress.say("verbs, warm: null kernel beside a raw ping-pong by completion events");
    try (Workbench bench = open(Duration.ZERO, WINDOW_BYTES)) {
      InvocationRoundTrip ours = new InvocationRoundTrip(bench.nothing(), false);
      List<Alternation.Sample> samples = effort.warm().run(List.of(ours, raw.byEvents()));
      List<BenchRow> rows =
          new ArrayList<>(
              compared("verbs, warm, null kernel", samples, "raw ping-pong in C, by events", 1.25));
      Alternation.Sample mine = samples.getFirst();
      rows.add(
          BenchRow.compared(
                  "verbs, warm, null kernel: p99",
                  "us",
                  mine.p99Ns() / 1e3,
                  Double.NaN,
                  mine.p50Ns() / 1e3,
                  "its own p50")
              .reaching("below 10x", mine.p99Ns() < 10 * mine.p50Ns()));
      return rows;
    }
  }

  private static List<BenchRow> compared(
      String figure, List<Alternation.Sample> samples, String baseline, double reach) {
    Alternation.Sample ours = samples.get(0);
    Alternation.Sample raw = samples.get(1);
    double rawUs = raw.p50Ns() / 1e3;
    return List.of(
        BenchRow.compared(figure, "us", ours.p50Ns() / 1e3, ours.p99Ns() / 1e3, rawUs, baseline)
            .reaching("at most " + reach + "x", ours.p50Ns() <= reach * raw.p50Ns()),
        BenchRow.stated("verbs, " + baseline + ", 64 B", "us", rawUs, raw.p99Ns() / 1e3));
  }

  List<BenchRow> bandwidth() throws IOException {
    int bytes = effort.largeBytes();
    progress.say("verbs: %d MiB in and out beside ib_write_bw".formatted(bytes >> 20));
    try (Workbench bench = open(HOT, 4L * bytes);
        VerbsPingPong raw = VerbsPingPong.start(address, bytes)) {
      // A few large transfers compile nothing.
      new InvocationRoundTrip(bench.identity(8), true).warmUp(effort.warmingUp());
      List<Alternation.Sample> samples =
          effort
              .large()
              .run(
                  List.of(
                      new InvocationRoundTrip(bench.identity(bytes), true),
                      new WriteBandwidth(address, bytes),
                      raw.byEvents()));
      return List.of(
          bandwidth(samples.get(0), samples.get(1), "ib_write_bw, as many bytes"),
          bandwidth(samples.get(0), samples.get(2), "ping-pong in C, by events"));
    }
  }

  private BenchRow bandwidth(Alternation.Sample mine, Alternation.Sample theirs, String baseline) {
    double bytes = 2.0 * effort.largeBytes();
    double ours = bytes / mine.p50Ns();
    double raw = bytes / theirs.p50Ns();
    return BenchRow.compared(
            "verbs, %d MiB in and out, without the kernel".formatted(effort.largeBytes() >> 20),
            "GB/s",
            ours,
            bytes / mine.p99Ns(),
            raw,
            baseline)
        .reaching("at least 0.95x", ours >= 0.95 * raw);
  }

  private Workbench open(Duration hot, long windowBytes) {
    return Workbench.open(farwarp, "verbs", hot, windowBytes, SHARE_MILLIS);
  }
}
