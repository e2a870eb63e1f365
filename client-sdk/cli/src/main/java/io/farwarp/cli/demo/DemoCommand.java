package io.farwarp.cli.demo;

import io.farwarp.cli.CommandException;
import io.farwarp.cli.Json;
import io.farwarp.cli.LeaseOptions;
import io.farwarp.cli.LocalCluster;
import io.farwarp.cli.Quantities;
import io.farwarp.cli.TemporaryDirectory;
import io.farwarp.client.ConnectOptions;
import io.farwarp.client.Farwarp;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.Session;
import io.farwarp.client.SessionOptions;
import io.farwarp.samples.PriceErrors;
import io.farwarp.samples.Sample;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The main job on one machine: price options on a leased worker and on local cores at once. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Start a gateway and an agent on loopback, lease a worker, and price options on it and on this"
          + " process's own cores at once; measure each side alone and both; verify every price.",
      "A wrong price makes it exit with 1."
    })
public final class DemoCommand implements Callable<Integer> {
  private static final String FUNCTION = Sample.BLACK_SCHOLES.functionName() + ":1";
  private static final long MAX_OPTIONS = 4_000_000_000L;
  private static final long SEED = 20_260_101;
  private static final int ROUNDS = 5;
  private static final double WARM_UP_SECONDS = 3;

  @Spec private CommandSpec spec;
  @Mixin private LeaseOptions leaseOptions;

  @Option(
      names = "--options",
      paramLabel = "N",
      defaultValue = "10000000",
      description = "How many options to price (default: ${DEFAULT-VALUE}).")
  private long options;

  @Option(
      names = "--offload",
      paramLabel = "F|auto",
      converter = OffloadShare.Text.class,
      defaultValue = "0.5",
      description =
          "Share of the options for the worker, 0 to 1; auto: by measured rates (default:"
              + " ${DEFAULT-VALUE}).")
  private OffloadShare share;

  @Option(
      names = "--local-threads",
      paramLabel = "N",
      description = "Threads of this process that price options (default: half of the cores).")
  private @Nullable Integer localThreadsWanted;

  @Option(
      names = "--remote-threads",
      paramLabel = "N",
      description = "Threads of the worker's PTX CPU device (default: the other half).")
  private @Nullable Integer remoteThreadsWanted;

  @Option(names = "--json", description = "Print the figures as one JSON object.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    int cores = Runtime.getRuntime().availableProcessors();
    int localThreads = threads("--local-threads", localThreadsWanted, Math.max(1, cores / 2));
    int remoteThreads =
        threads("--remote-threads", remoteThreadsWanted, Math.max(1, cores - cores / 2));
    if (options < 1 || options > MAX_OPTIONS) {
      throw new ParameterException(
          spec.commandLine(), "--options " + options + "; it takes 1 to " + MAX_OPTIONS);
    }
    LeaseRequest request = leaseOptions.request();
    List<String> pathArguments = leaseOptions.agentArguments();
    progress("starting a gateway and an agent on loopback");
    try (TemporaryDirectory directory = TemporaryDirectory.create("farwarp-demo-");
        LocalCluster cluster = start(directory, remoteThreads, pathArguments)) {
      DemoResult result = run(cluster, request, localThreads, remoteThreads);
      print(result);
      PriceErrors errors = result.errors();
      if (errors.wrong() > 0) {
        throw new CommandException(
            "%d of %d prices are wrong, the first of option %d"
                .formatted(errors.wrong(), errors.options(), errors.firstWrong()));
      }
      return 0;
    }
  }

  private static LocalCluster start(
      TemporaryDirectory directory, int ptxThreads, List<String> pathArguments) {
    List<String> agent =
        new ArrayList<>(
            List.of(
                "--id", "demo",
                "--ptx-threads", Integer.toString(ptxThreads),
                "--data-dir", directory.resolve("agent").toString()));
    agent.addAll(pathArguments);
    return LocalCluster.start(
        "127.0.0.1:0", directory.resolve("gateway"), List.of(), Duration.ZERO, agent, line -> {});
  }

  private int threads(String option, @Nullable Integer wanted, int otherwise) {
    if (wanted == null) {
      return otherwise;
    }
    if (wanted < 1 || wanted > 1024) {
      throw new ParameterException(
          spec.commandLine(), option + " " + wanted + "; it takes 1 to 1024");
    }
    return wanted;
  }

  private DemoResult run(
      LocalCluster cluster, LeaseRequest wanted, int localThreads, int remoteThreads) {
    ConnectOptions connect = ConnectOptions.to(cluster.address()).tokenFile(cluster.tenantToken());
    try (Farwarp farwarp = Farwarp.connect(connect)) {
      progress("pushing " + FUNCTION);
      var _ = farwarp.functions().push(Sample.BLACK_SCHOLES.functionPackage());
      progress("leasing a worker with " + Quantities.bytes(PricingJob.windowBytes(options)));
      LeaseRequest request =
          wanted
              .memory(PricingJob.windowBytes(options))
              .functions(FUNCTION)
              .waitAtMost(Duration.ofSeconds(10));
      long startNs = System.nanoTime();
      try (Lease lease = farwarp.lease(request).await();
          Session session =
              lease.open(
                  SessionOptions.transport(leaseOptions.transport())
                      .deadline(Duration.ofMinutes(5)))) {
        double leaseSeconds = since(startNs);
        double prepareSeconds = lease.prepare().toNanos() * 1e-9;
        PricingJob job = new PricingJob(session, FUNCTION, options);
        progress("filling " + Quantities.format("%,d", options) + " options");
        long fillNs = System.nanoTime();
        job.fill(SEED, localThreads + remoteThreads);
        double fillSeconds = since(fillNs);
        Rates rates = measure(job, localThreads, remoteThreads);
        long offloaded = Rates.median(rates.both()).result().remote().indices();
        double pushSeconds = job.pushSeconds(offloaded);
        double returnSeconds = job.returnSeconds(offloaded);
        progress("verifying every price");
        long verifyNs = System.nanoTime();
        PriceErrors errors = job.verify(localThreads + remoteThreads);
        return new DemoResult(
            lease.deviceName(),
            session.dataPath(),
            localThreads,
            remoteThreads,
            Math.max(0, leaseSeconds - prepareSeconds),
            prepareSeconds,
            fillSeconds,
            pushSeconds,
            returnSeconds,
            since(verifyNs),
            rates,
            errors);
      }
    }
  }

  private Rates measure(PricingJob job, int localThreads, int remoteThreads) {
    int allThreads = localThreads + remoteThreads;
    progress("warming up");
    long startNs = System.nanoTime();
    do {
      var _ = job.local(allThreads);
      var _ = job.remote();
      var _ = job.both(localThreads, share);
    } while (since(startNs) < WARM_UP_SECONDS);
    Rates rates =
        new Rates(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (int round = 1; round <= ROUNDS; round++) {
      progress("measuring, round " + round + " of " + ROUNDS);
      rates.add(
          () -> job.local(localThreads),
          job::remote,
          () -> {
            // What is verified at the end is the last of these runs, and nothing older.
            job.clearPrices(allThreads);
            return job.both(localThreads, share);
          },
          () -> job.local(allThreads));
    }
    return rates;
  }

  private void print(DemoResult result) {
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, result.json());
    } else {
      out.println();
      out.print(result.text());
      out.flush();
    }
  }

  private void progress(String what) {
    PrintWriter err = spec.commandLine().getErr();
    err.println("demo: " + what);
    err.flush();
  }

  private static double since(long ns) {
    return (System.nanoTime() - ns) * 1e-9;
  }
}
