package io.farwarp.gateway.simulation;

import io.farwarp.gateway.SimulatedGateway;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Histories in any number, or one again. */
@Command(
    name = "ci/simulate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Runs histories of a simulated cluster, one for each seed, until one fails (status 1) or all have"
          + " run. What is simulated and checked: docs/simulation.md."
    })
final class Simulate implements Callable<Integer> {
  @Option(
      names = "--histories",
      defaultValue = "100000",
      description = "How many; default ${DEFAULT-VALUE}.")
  private long histories;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description =
          "The first seed, others follow it; with --histories 1 one history is replayed. Default 1.")
  private long first;

  @Option(names = "--threads", description = "How many run at a time; default: one for each core.")
  private int threads = Runtime.getRuntime().availableProcessors();

  private final AtomicLong next = new AtomicLong();
  private final AtomicLong done = new AtomicLong();
  private volatile @Nullable Throwable failure;

  private Simulate() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new Simulate()).execute(args));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Defects.areFailures();
    long startNs = System.nanoTime();
    List<Thread> running = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      running.add(Thread.ofPlatform().name("simulate-" + i).start(this::run));
    }
    for (Thread thread : running) {
      while (!thread.join(Duration.ofSeconds(10))) {
        progress(startNs);
      }
    }
    progress(startNs);
    Throwable failed = failure;
    if (failed != null) {
      failed.printStackTrace();
      return 1;
    }
    return 0;
  }

  private void run() {
    try {
      Path directory = Files.createTempDirectory("farwarp-simulate-");
      SimulatedGateway.Shared shared =
          SimulatedGateway.Shared.in(directory, History.TENANTS, Client.FUNCTIONS);
      for (long i = next.getAndIncrement();
          i < histories && failure == null;
          i = next.getAndIncrement()) {
        new History(first + i, shared).run();
        done.incrementAndGet();
      }
    } catch (IOException | AssertionError e) {
      failure = e;
    }
  }

  private void progress(long startNs) {
    double seconds = (System.nanoTime() - startNs) / 1e9;
    System.out.printf(
        "%,d of %,d histories from seed %d in %.0f s, %.0f a second%n",
        done.get(), histories, first, seconds, done.get() / seconds);
  }
}
