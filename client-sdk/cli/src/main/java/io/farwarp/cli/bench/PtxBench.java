package io.farwarp.cli.bench;

import io.farwarp.cli.CommandException;
import io.farwarp.cli.Json;
import io.farwarp.rdma.linux.HostLimits;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * The PTX compiler's figures, each beside C of the same loop on the same cores. Main of a process
 * of its own, whose JVM has a worker's options; its argument is {@code table} or {@code json}.
 */
public final class PtxBench {
  static final String TABLE = "table";
  static final String JSON = "json";

  private static final long WARM_UP_NS = 1_500_000_000L;
  private static final int WARM_UP_RUNS = 5;
  private static final double ROW_NS = 5e9;
  private static final int LEAST_ROUNDS = 7;
  private static final int MOST_ROUNDS = 21;
  private static final long STREAM_ELEMENTS = 64L << 20;
  private static final long STREAM_BYTES_PER_ELEMENT = 4L * Float.BYTES;

  private final int threads = Runtime.getRuntime().availableProcessors();
  private final BenchProgress progress;

  private PtxBench(BenchProgress progress) {
    this.progress = progress;
  }

  public static void main(String[] arguments) throws IOException {
    BenchProgress progress = what -> System.err.println("bench: " + what);
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    try {
      List<BenchRow> rows = new PtxBench(progress).rows();
      if (arguments[0].equals(JSON)) {
        Json.print(out, BenchReport.json(rows));
      } else {
        out.print(BenchReport.table(rows));
        out.flush();
      }
    } catch (CommandException failure) {
      System.err.println("farwarp: " + failure.getMessage());
      System.exit(1);
    }
    System.exit(0); // OpenMP's threads live on
  }

  private List<BenchRow> rows() throws IOException {
    List<BenchRow> rows = new ArrayList<>();
    Optional<CLoops> loops = CLoops.load(threads);
    if (loops.isEmpty()) {
      progress.say("gcc is missing or fails: no baselines, and nothing to hold results against");
    }
    try (PtxKernels kernels = new PtxKernels(threads)) {
      for (Function<Arena, PtxWork> work : works(kernels, loops)) {
        try (Arena arena = Arena.ofShared()) {
          rows.add(row(work.apply(arena)));
        }
      }
      PtxFixedCosts costs = new PtxFixedCosts(kernels, threads);
      progress.say("thread-barriers");
      rows.add(costs.barriers());
      progress.say("a null kernel beside a raw ping-pong");
      rows.add(costs.nothing());
    }
    progress.say("stopping launches that never end");
    rows.addAll(PtxStops.rows(threads));
    progress.say("loading, in fresh JVMs");
    rows.addAll(PtxFreshStarts.rows());
    return rows;
  }

  private List<Function<Arena, PtxWork>> works(PtxKernels kernels, Optional<CLoops> loops)
      throws IOException {
    PtxMapWorks maps = new PtxMapWorks(kernels, loops);
    PtxCooperativeWorks cooperative = new PtxCooperativeWorks(kernels, loops);
    long elements = streamElements();
    return List.of(
        maps::blackScholes,
        arena -> maps.vecadd(arena, elements),
        arena -> maps.saxpy(arena, elements),
        cooperative::sgemm,
        cooperative::nbody,
        maps::jacobi,
        cooperative::reduce,
        cooperative::histogram,
        cooperative::scan);
  }

  /** As many as half of the memory that is there has room for, up to 64 Mi. */
  private long streamElements() throws IOException {
    long elements = STREAM_ELEMENTS;
    long available = HostLimits.read().availableBytes();
    while (elements * STREAM_BYTES_PER_ELEMENT > available / 2) {
      elements /= 2;
    }
    if (elements < STREAM_ELEMENTS) {
      progress.say(
          "memory is short: vecadd and saxpy have "
              + PtxMapWorks.millions(elements)
              + " elements, not "
              + PtxMapWorks.millions(STREAM_ELEMENTS));
    }
    return elements;
  }

  private BenchRow row(PtxWork work) throws IOException {
    progress.say(work.figure());
    Runnable inC = work.inC();
    work.ours().run();
    if (inC != null) {
      inC.run();
      work.check().run();
    }
    String figure = work.figure() + ", " + threads + " threads";
    double runNs = warmUp(work.ours()) + (inC == null ? 0 : warmUp(inC));
    // A turn runs each twice: once to have the caches and cores to itself, once to be timed.
    int rounds = (int) Math.clamp(ROW_NS / (2 * runNs), LEAST_ROUNDS, MOST_ROUNDS);
    List<RoundTrip> subjects = new ArrayList<>(List.of(new Repeated(work.ours())));
    if (inC != null) {
      subjects.add(new Repeated(inC));
    }
    List<Alternation.Sample> samples = new Alternation(rounds, 1, 0).run(subjects);
    double ours = work.amount() / samples.get(0).p50Ns();
    double slowest = work.amount() / samples.get(0).p99Ns();
    if (inC == null) {
      return BenchRow.stated(figure, work.unit(), ours, slowest);
    }
    double theirs = work.amount() / samples.get(1).p50Ns();
    return BenchRow.compared(figure, work.unit(), ours, slowest, theirs, "C, gcc -O3, OpenMP")
        .reaching(
            "at least " + work.reach() + "x" + work.reachNote(), ours >= work.reach() * theirs);
  }

  /** Runs until HotSpot has compiled whatever there is; returns how long the last run took. */
  private static double warmUp(Runnable work) {
    long startNs = System.nanoTime();
    long lastNs = 0;
    for (int i = 0; i < WARM_UP_RUNS || System.nanoTime() - startNs < WARM_UP_NS; i++) {
      long runNs = System.nanoTime();
      work.run();
      lastNs = System.nanoTime() - runNs;
    }
    return lastNs;
  }

  /** Work that needs no waking. */
  record Repeated(Runnable work) implements RoundTrip {
    @Override
    public void resume() {}

    @Override
    public void once() {
      work.run();
    }

    @Override
    public void pause() {}

    @Override
    public void close() {}
  }
}
