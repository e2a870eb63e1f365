package io.farwarp.cli;

import io.farwarp.executor.agent.StopSignals;
import io.farwarp.gateway.GatewayCommand;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A gateway and an agent on this host, until SIGTERM or SIGINT. */
@Command(
    name = "up",
    mixinStandardHelpOptions = true,
    description =
        "Run a gateway and an agent on this host until SIGTERM or Ctrl-C, and say how to connect."
            + " Leases that run then have the drain time-out to end; a second signal ends them.")
public final class UpCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      defaultValue = "127.0.0.1:7070",
      description = "Where the gateway listens; port 0: any free one (default: ${DEFAULT-VALUE}).")
  private String listen;

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description =
          "What the gateway keeps (default: $XDG_STATE_HOME/farwarp/gateway, then"
              + " ~/.local/state/farwarp/gateway).")
  private @Nullable Path dataDir;

  @Option(
      names = "--ptx-threads",
      paramLabel = "N",
      description = "Threads of the PTX CPU device (default: this host's cores).")
  private @Nullable Integer ptxThreads;

  @Option(
      names = "--deterministic",
      description = "For debugging: kernels run on one thread, in one order of blocks and threads.")
  private boolean deterministic;

  @Option(
      names = "--window-memory",
      paramLabel = "SIZE",
      description =
          "Memory that leases' windows may take together, 4G or 512M (default: a quarter of what is"
              + " free).")
  private @Nullable String windowMemory;

  @Option(
      names = "--max-workers",
      paramLabel = "N",
      description =
          "Worker processes that may run together (default: as many as free memory has room for"
              + " beside the windows).")
  private @Nullable Integer maxWorkers;

  @Option(
      names = "--verbs-host",
      paramLabel = "ADDRESS",
      description =
          "IPv4 address of the RDMA device that workers listen on, or 'auto' for that of the first"
              + " device (default: none).")
  private @Nullable String verbsHost;

  @Option(
      names = "--drain-timeout",
      paramLabel = "SECONDS",
      defaultValue = "30",
      description =
          "How long leases may go on after SIGTERM or Ctrl-C (default: ${DEFAULT-VALUE}).")
  private int drainSeconds;

  @Override
  public Integer call() throws Exception {
    List<String> agent = new ArrayList<>();
    if (ptxThreads != null) {
      agent.addAll(List.of("--ptx-threads", ptxThreads.toString()));
    }
    if (deterministic) {
      agent.add("--deterministic");
    }
    if (windowMemory != null) {
      agent.addAll(List.of("--window-memory", windowMemory));
    }
    if (maxWorkers != null) {
      agent.addAll(List.of("--max-workers", maxWorkers.toString()));
    }
    if (verbsHost != null) {
      agent.addAll(List.of("--verbs-host", verbsHost));
    }
    PrintWriter err = spec.commandLine().getErr();
    try (LocalCluster cluster =
        LocalCluster.start(
            listen,
            (dataDir == null ? GatewayCommand.defaultDataDir() : dataDir).toAbsolutePath(),
            List.of(),
            Duration.ofSeconds(drainSeconds),
            agent,
            line -> {
              err.println(line);
              err.flush();
            })) {
      AtomicBoolean stopping = new AtomicBoolean();
      StopSignals.onEach(() -> {
        stopping.set(true);
        cluster.drain();
      });
      PrintWriter out = spec.commandLine().getOut();
      out.printf("farwarp is up. In another shell:%n%n");
      out.printf("    export FARWARP_GATEWAY=%s%n", cluster.address());
      out.printf("    export FARWARP_TOKEN_FILE=%s%n", cluster.tenantToken());
      out.printf("    ./farwarp executor list%n%n");
      out.printf("Ctrl-C or SIGTERM ends it when its leases have ended; twice: at once.%n");
      out.flush();
      String end = cluster.ended().get();
      if (stopping.get()) {
        return 0;
      }
      throw new CommandException(end);
    }
  }
}
