package io.farwarp.cli.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Heap bytes that one prepared invocation allocates in steady state, on the calling thread and on
 * the worker's two loop threads. The worker is asked through {@code jcmd PID Thread.print -e},
 * whose figures are rounded to KiB (MiB from 10 MiB on): over millions of invocations that is far
 * below a byte each.
 */
final class AllocationBench {
  private static final Pattern LOOP_THREAD =
      Pattern.compile("^\"worker-[ab]\".* allocated=(\\d+)([BKMG]) .*");

  private final InvocationRoundTrip subject;
  private final int invocations;

  AllocationBench(InvocationRoundTrip subject, int invocations) {
    this.subject = subject;
    this.invocations = invocations;
  }

  List<BenchRow> rows() throws IOException {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    List<BenchRow> rows = new ArrayList<>();
    Optional<ProcessHandle> worker = onlyBusyWorker();
    Optional<Double> workerBefore = worker.isPresent() ? allocated(worker.get()) : Optional.empty();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < invocations; i++) {
      subject.once();
    }
    long after = threads.getCurrentThreadAllocatedBytes();
    rows.add(row("client", (double) (after - before) / invocations));
    double workerAfter =
        worker.isPresent() ? allocated(worker.get()).orElse(Double.NaN) : Double.NaN;
    rows.add(row("worker", (workerAfter - workerBefore.orElse(Double.NaN)) / invocations));
    return rows;
  }

  private static BenchRow row(String side, double bytes) {
    // The reading itself allocates and is rounded; an invocation that allocated would show as 8
    // bytes at least.
    return BenchRow.stated("allocation per prepared invocation, " + side, "B", bytes, Double.NaN)
        .reaching("0 (below 1)", Math.abs(bytes) < 1);
  }

  private static Optional<ProcessHandle> onlyBusyWorker() {
    List<ProcessHandle> workers =
        ProcessHandle.current().descendants().filter(AllocationBench::isWorker).toList();
    return workers.size() == 1 ? Optional.of(workers.getFirst()) : Optional.empty();
  }

  /** ProcessHandle.Info leaves long command lines out. */
  private static boolean isWorker(ProcessHandle process) {
    try {
      return Files.readString(
              Path.of("/proc", Long.toString(process.pid()), "cmdline"),
              StandardCharsets.ISO_8859_1)
          .contains("io.farwarp.executor.worker.WorkerMain");
    } catch (IOException ended) {
      return false;
    }
  }

  private static Optional<Double> allocated(ProcessHandle worker) throws IOException {
    Process jcmd =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                Long.toString(worker.pid()),
                "Thread.print",
                "-e")
            .redirectErrorStream(true)
            .start();
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(jcmd.getInputStream(), StandardCharsets.UTF_8))) {
      double bytes = 0;
      boolean found = false;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher matcher = LOOP_THREAD.matcher(line);
        if (matcher.matches()) {
          bytes += Long.parseLong(matcher.group(1)) * unit(matcher.group(2));
          found = true;
        }
      }
      return found ? Optional.of(bytes) : Optional.empty();
    }
  }

  private static double unit(String letter) {
    return switch (letter) {
      case "B" -> 1;
      case "K" -> 1L << 10;
      case "M" -> 1L << 20;
      default -> 1L << 30;
    };
  }
}
