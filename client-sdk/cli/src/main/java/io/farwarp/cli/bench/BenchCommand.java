package io.farwarp.cli.bench;

import io.farwarp.cli.JavaCommand;
import io.farwarp.cli.Json;
import io.farwarp.cli.LocalCluster;
import io.farwarp.cli.TemporaryDirectory;
import io.farwarp.cli.bench.gateway.GatewayBench;
import io.farwarp.client.ConnectOptions;
import io.farwarp.client.Farwarp;
import io.farwarp.executor.agent.WorkerJvm;
import io.farwarp.samples.Sample;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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

  /** An agent that a benchmark starves for some seconds is not lost. */
  private static final String HEARTBEAT_MS = "20000";

  @Spec private CommandSpec spec;

  /** What one of the subcommands measures. */
  @FunctionalInterface
  private interface Measurement {
    void into(List<BenchRow> rows, Farwarp farwarp) throws IOException;
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "bench what? latency, bandwidth, verbs, compute, ptx, lease or gateway");
  }

  @Command(
      name = "latency",
      mixinStandardHelpOptions = true,
      description =
          "A null kernel, hot and warm, beside raw ping-pongs and grpc-java; allocation per invocation.")
  int latency(
      @Mixin BenchPaths paths,
      @Option(names = "--json", description = "Print the rows as a JSON array.") boolean json)
      throws IOException {
    Optional<String> verbs = paths.verbsAddress(this::say);
    return measure(
        json,
        verbs,
        (rows, farwarp) -> {
          LatencyBench bench = new LatencyBench(farwarp, this::say);
          if (paths.takes("shm")) {
            rows.addAll(bench.shm());
          }
          if (paths.takes("tcp")) {
            rows.addAll(bench.tcp());
          }
          if (verbs.isPresent()) {
            rows.addAll(verbs(farwarp, verbs.get(), false).latency());
          }
        });
  }

  @Command(
      name = "bandwidth",
      mixinStandardHelpOptions = true,
      description =
          "64 MiB in and out through an identity kernel, beside raw NIO and grpc-java, or ib_write_bw.")
  int bandwidth(
      @Mixin BenchPaths paths,
      @Option(names = "--json", description = "Print the rows as a JSON array.") boolean json)
      throws IOException {
    Optional<String> verbs = paths.verbsAddress(this::say);
    return measure(
        json,
        verbs,
        (rows, farwarp) -> {
          BandwidthBench bench = new BandwidthBench(farwarp, this::say);
          if (paths.takes("shm")) {
            rows.addAll(bench.shm());
          }
          if (paths.takes("tcp")) {
            rows.addAll(bench.tcp());
          }
          if (verbs.isPresent()) {
            rows.addAll(verbs(farwarp, verbs.get(), false).bandwidth());
          }
        });
  }

  @Command(
      name = "verbs",
      mixinStandardHelpOptions = true,
      description = {
        "Latency and bandwidth over RDMA in one run, beside a ping-pong in C (which needs gcc,",
        "libibverbs-dev and librdmacm-dev) and ib_write_bw (perftest)."
      })
  int verbs(
      @Option(
              names = "--short",
              description = "A few round trips each: shows that it works, not how fast it is.")
          boolean shortened,
      @Option(names = "--json", description = "Print the rows as a JSON array.") boolean json)
      throws IOException {
    String address = BenchPaths.requireVerbs();
    return measure(
        json,
        Optional.of(address),
        (rows, farwarp) -> {
          VerbsBench bench = verbs(farwarp, address, shortened);
          rows.addAll(bench.latency());
          rows.addAll(bench.bandwidth());
        });
  }

  private VerbsBench verbs(Farwarp farwarp, String address, boolean shortened) {
    return new VerbsBench(
        farwarp,
        this::say,
        address,
        shortened ? VerbsBench.Effort.least() : VerbsBench.Effort.full());
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
        (rows, farwarp) -> {
          rows.addAll(new ComputeBench(farwarp, this::say).rows());
          rows.addAll(new DemoBench(this::say).rows());
        });
  }

  @Command(
      name = "lease",
      mixinStandardHelpOptions = true,
      description = "From asking for a lease to the first result, by phase.")
  int lease(@Option(names = "--json", description = "Print the rows as a JSON array.") boolean json)
      throws IOException {
    return measure(json, (rows, farwarp) -> rows.addAll(new LeaseBench(farwarp, this::say).rows()));
  }

  @Command(
      name = "gateway",
      mixinStandardHelpOptions = true,
      description = {
        "A gateway with 1,000, 3,000 and 10,000 agents (without workers, in a process of their own): what",
        "it uses, leases acquired and released a second, 100,000 requests that wait, a restart with",
        "100,000 leases. Takes some minutes."
      })
  int gateway(
      @Option(
              names = "--short",
              description = "A few agents and requests: shows that it works, not how fast it is.")
          boolean shortened,
      @Option(
              names = "--agents",
              paramLabel = "N",
              split = ",",
              description = "Other fleets than 1000,3000,10000; up to 10,000 agents each.")
          @Nullable List<Integer> fleets,
      @Option(
              names = "--plot",
              paramLabel = "FILE",
              description = "Draw how the figures grow with the fleet, as SVG.")
          @Nullable Path plot,
      @Option(names = "--json", description = "Print the rows as a JSON array.") boolean json)
      throws IOException {
    GatewayBench.Effort effort =
        shortened ? GatewayBench.Effort.least() : GatewayBench.Effort.full();
    GatewayBench bench =
        new GatewayBench(fleets == null ? effort : effort.withFleets(fleets), this::say);
    List<BenchRow> rows = new ArrayList<>();
    try {
      bench.measureInto(rows);
    } finally {
      print(rows, json); // what was measured before a failure is worth having
    }
    if (plot != null) {
      Files.writeString(plot, bench.plot());
    }
    return 0;
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

  private void say(String what) {
    PrintWriter err = spec.commandLine().getErr();
    err.println("bench: " + what);
    err.flush();
  }

  private int measure(boolean json, Measurement measurement) throws IOException {
    return measure(json, Optional.empty(), measurement);
  }

  private int measure(boolean json, Optional<String> verbsHost, Measurement measurement)
      throws IOException {
    try (TemporaryDirectory directory = TemporaryDirectory.create("farwarp-bench-");
        LocalCluster cluster =
            LocalCluster.start(
                "127.0.0.1:0",
                directory.resolve("gateway"),
                List.of("--heartbeat-ms", HEARTBEAT_MS),
                Duration.ZERO,
                agentArguments(directory, verbsHost),
                line -> {});
        Farwarp farwarp =
            Farwarp.connect(
                ConnectOptions.to(cluster.address()).tokenFile(cluster.tenantToken()))) {
      for (Sample sample : FUNCTIONS) {
        var _ = farwarp.functions().push(sample.functionPackage());
      }
      List<BenchRow> rows = new ArrayList<>();
      try {
        measurement.into(rows, farwarp);
      } finally {
        print(rows, json); // what was measured before a failure is worth having
      }
      return 0;
    }
  }

  private void print(List<BenchRow> rows, boolean json) {
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, BenchReport.json(rows));
    } else {
      out.print(BenchReport.table(rows));
      out.flush();
    }
  }

  private static List<String> agentArguments(
      TemporaryDirectory directory, Optional<String> verbsHost) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--id",
                "bench",
                "--ptx-threads",
                SLICES,
                "--data-dir",
                directory.resolve("agent").toString()));
    verbsHost.ifPresent(address -> arguments.addAll(List.of("--verbs-host", address)));
    return arguments;
  }
}
