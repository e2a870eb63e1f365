package io.farwarp.cli.bench;

import io.farwarp.cli.JavaCommand;
import io.farwarp.cli.Json;
import io.farwarp.cli.LocalCluster;
import io.farwarp.cli.TemporaryDirectory;
import io.farwarp.client.ConnectOptions;
import io.farwarp.client.Farwarp;
import io.farwarp.executor.agent.WorkerJvm;
import io.farwarp.samples.Sample;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Farwarp's figures beside raw baselines from the same run. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = {
      "Measure Farwarp's paths, interleaved in one run with raw baselines that hold nothing of it.",
      "Only ratios mean anything on another machine. Starts its own gateway and agent on loopback."
    })
public final class BenchCommand implements Runnable {
  private static final List<Sample> FUNCTIONS =
      List.of(Sample.NULL, Sample.IDENTITY, Sample.UNTOUCHED, Sample.BLACK_SCHOLES);

  /** Four one-thread slices, so that several workbenches fit beside each other. */
  private static final String SLICES = "4";

  @Spec private CommandSpec spec;

  /** What one of the subcommands measures. */
  @FunctionalInterface
  private interface Measurement {
    List<BenchRow> rows(Farwarp farwarp, BenchProgress progress) throws IOException;
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "bench what? latency, bandwidth, compute, ptx or lease");
  }

  @Command(
      name = "latency",
      mixinStandardHelpOptions = true,
      description =
          "A null kernel, hot and warm, beside raw ping-pongs and grpc-java; allocation per invocation.")
  int latency(
      @Option(
              names = "--transport",
              paramLabel = "shm|tcp|all",
              defaultValue = "all",
              description = "The data path (default: ${DEFAULT-VALUE}).")
          String transport,
      @Option(names = "--json", description = "Print the rows as a JSON array.") boolean json)
      throws IOException {
    return measure(
        json,
        transport,
        (farwarp, progress) -> new LatencyBench(farwarp, progress).shm(),
        (farwarp, progress) -> new LatencyBench(farwarp, progress).tcp());
  }

  @Command(
      name = "bandwidth",
      mixinStandardHelpOptions = true,
      description = "64 MiB in and out through an identity kernel, beside raw NIO and grpc-java.")
  int bandwidth(
      @Option(
              names = "--transport",
              paramLabel = "shm|tcp|all",
              defaultValue = "all",
              description = "The data path (default: ${DEFAULT-VALUE}).")
          String transport,
      @Option(names = "--json", description = "Print the rows as a JSON array.") boolean json)
      throws IOException {
    return measure(
        json,
        transport,
        (farwarp, progress) -> new BandwidthBench(farwarp, progress).shm(),
        (farwarp, progress) -> new BandwidthBench(farwarp, progress).tcp());
  }

  @Command(
      name = "compute",
      mixinStandardHelpOptions = true,
      description =
          "Black-Scholes on the PTX CPU device beside plain Java, and the demo's efficiency.")
  int compute(
      @Option(names = "--json", description = "Print the rows as a JSON array.") boolean json)
      throws IOException {
    return measure(
        json,
        (farwarp, progress) -> {
          List<BenchRow> rows = new ArrayList<>(new ComputeBench(farwarp, progress).rows());
          rows.addAll(new DemoBench(progress).rows());
          return rows;
        });
  }

  @Command(
      name = "lease",
      mixinStandardHelpOptions = true,
      description = "From asking for a lease to the first result, by phase.")
  int lease(@Option(names = "--json", description = "Print the rows as a JSON array.") boolean json)
      throws IOException {
    return measure(json, (farwarp, progress) -> new LeaseBench(farwarp, progress).rows());
  }

  @Command(
      name = "ptx",
      mixinStandardHelpOptions = true,
      description = {
        "The PTX compiler's kernels beside C of the same loops (gcc -O3 -march=native, OpenMP, all",
        "cores of both), and what loading and launching cost. Needs no gateway."
      })
  int ptx(@Option(names = "--json", description = "Print the rows as a JSON array.") boolean json)
      throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
                JavaCommand.of(
                    PtxBench.class,
                    WorkerJvm.options(),
                    List.of(json ? PtxBench.JSON : PtxBench.TABLE)))
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    // Threads of OpenMP that spin would take the cores from the kernels' turns.
    builder.environment().put("OMP_WAIT_POLICY", "passive");
    Process bench = builder.start();
    String printed = new String(bench.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    PrintWriter out = spec.commandLine().getOut();
    out.print(printed);
    out.flush();
    return bench.onExit().join().exitValue();
  }

  /** What is measured over each data path, for the one that is asked for or both. */
  private int measure(boolean json, String transport, Measurement shm, Measurement tcp)
      throws IOException {
    if (!List.of("shm", "tcp", "all").contains(transport)) {
      throw new ParameterException(
          spec.commandLine(), "--transport " + transport + "; it takes shm, tcp or all");
    }
    return measure(
        json,
        (farwarp, progress) -> {
          List<BenchRow> rows = new ArrayList<>();
          if (!transport.equals("tcp")) {
            rows.addAll(shm.rows(farwarp, progress));
          }
          if (!transport.equals("shm")) {
            rows.addAll(tcp.rows(farwarp, progress));
          }
          return rows;
        });
  }

  private int measure(boolean json, Measurement measurement) throws IOException {
    PrintWriter err = spec.commandLine().getErr();
    BenchProgress progress =
        what -> {
          err.println("bench: " + what);
          err.flush();
        };
    try (TemporaryDirectory directory = TemporaryDirectory.create("farwarp-bench-");
        LocalCluster cluster =
            LocalCluster.start(
                "127.0.0.1:0",
                directory.resolve("gateway"),
                Duration.ZERO,
                List.of(
                    "--id",
                    "bench",
                    "--ptx-threads",
                    SLICES,
                    "--data-dir",
                    directory.resolve("agent").toString()),
                line -> {});
        Farwarp farwarp =
            Farwarp.connect(
                ConnectOptions.to(cluster.address()).tokenFile(cluster.tenantToken()))) {
      for (Sample sample : FUNCTIONS) {
        var _ = farwarp.functions().push(sample.functionPackage());
      }
      List<BenchRow> rows = measurement.rows(farwarp, progress);
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        Json.print(out, BenchReport.json(rows));
      } else {
        out.print(BenchReport.table(rows));
        out.flush();
      }
      return 0;
    }
  }
}
