package io.farwarp.cli.bench;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;

import io.farwarp.client.Farwarp;
import io.farwarp.client.PreparedInvocation;
import io.farwarp.client.Session;
import io.farwarp.client.Tensor;
import io.farwarp.samples.BlackScholes;
import io.farwarp.samples.OptionBook;
import io.farwarp.samples.Sample;
import io.farwarp.v1.ElementType;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/**
 * What the PTX CPU device makes of a kernel, beside the same formula in plain Java on one thread
 * each.
 */
final class ComputeBench {
  private static final int OPTIONS = 1_000_000;
  private static final long WINDOW_BYTES = 64L << 20;
  private static final int ONE_THREAD_MILLIS = 250;
  private static final long SEED = 20_260_101;
  private static final long TIMEOUT_NS = 60_000_000_000L;
  private static final Alternation TURNS = new Alternation(10, 5, 30);

  private final Farwarp farwarp;
  private final BenchProgress progress;

  ComputeBench(Farwarp farwarp, BenchProgress progress) {
    this.farwarp = farwarp;
    this.progress = progress;
  }

  List<BenchRow> rows() throws IOException {
    progress.say("Black-Scholes on the PTX CPU device beside plain Java, one thread each");
    try (Workbench bench =
        Workbench.open(farwarp, "shm", Duration.ZERO, WINDOW_BYTES, ONE_THREAD_MILLIS)) {
      Session session = bench.session();
      Tensor[] columns = new Tensor[OptionBook.INPUTS + 1];
      for (int i = 0; i < columns.length; i++) {
        columns[i] = session.tensor(ElementType.F32, OPTIONS);
      }
      OptionBook book =
          new OptionBook(
              columns[0].segment(),
              columns[1].segment(),
              columns[2].segment(),
              columns[3].segment(),
              columns[4].segment(),
              columns[5].segment(),
              columns[6].segment());
      book.fill(SEED, 0, 0, OPTIONS);
      PreparedInvocation invocation =
          session
              .function(Sample.BLACK_SCHOLES.functionName())
              .prepare(
                  in(columns[0]),
                  in(columns[1]),
                  in(columns[2]),
                  in(columns[3]),
                  in(columns[4]),
                  in(columns[5]),
                  out(columns[6]));
      List<Alternation.Sample> samples =
          TURNS.run(List.of(new KernelOnly(invocation), new PlainJava(book)));
      double ours = OPTIONS * 1e3 / samples.get(0).p50Ns();
      double slowest = OPTIONS * 1e3 / samples.get(0).p99Ns();
      double plain = OPTIONS * 1e3 / samples.get(1).p50Ns();
      return List.of(
          BenchRow.compared(
                  "Black-Scholes, f32, PTX CPU device (no GPU), 1 thread",
                  "M/s",
                  ours,
                  slowest,
                  plain,
                  "plain Java, 1 thread")
              .reaching("at least 0.9x", ours >= 0.9 * plain));
    }
  }

  /** Times an invocation's kernel alone: everything else is excluded. */
  private static final class KernelOnly implements RoundTrip {
    private final PreparedInvocation invocation;
    private long otherNs;

    KernelOnly(PreparedInvocation invocation) {
      this.invocation = invocation;
    }

    @Override
    public void resume() {}

    @Override
    public void once() {
      long start = System.nanoTime();
      invocation.post(TIMEOUT_NS);
      invocation.await();
      invocation.requireOk();
      otherNs = System.nanoTime() - start - invocation.kernelNs();
    }

    @Override
    public long excludedNs() {
      return otherNs;
    }

    @Override
    public void pause() {}

    @Override
    public void close() {}
  }

  private record PlainJava(OptionBook book) implements RoundTrip {
    @Override
    public void resume() {}

    @Override
    public void once() {
      BlackScholes.price(book, 0, OPTIONS);
    }

    @Override
    public void pause() {}

    @Override
    public void close() {}
  }
}
