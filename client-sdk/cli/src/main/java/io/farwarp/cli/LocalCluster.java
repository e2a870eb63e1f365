package io.farwarp.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** A gateway and an executor agent on this host, each a process of its own, on loopback. */
public final class LocalCluster implements AutoCloseable {
  /** Far beyond what a start takes, also on an emulated host; one that fails is noticed at once. */
  private static final Duration START_LIMIT = Duration.ofMinutes(5);

  private final ChildProcess gateway;
  private final ChildProcess agent;
  private final String address;
  private final Path gatewayDirectory;

  private LocalCluster(
      ChildProcess gateway, ChildProcess agent, String address, Path gatewayDirectory) {
    this.gateway = gateway;
    this.agent = agent;
    this.address = address;
    this.gatewayDirectory = gatewayDirectory;
  }

  /**
   * Starts both and waits until they are ready.
   *
   * @param listen where the gateway listens; port 0: any free one
   * @param gatewayDirectory what the gateway keeps, the credentials among it
   * @param gatewayArguments beyond --listen and --data-dir
   * @param drain how long leases may go on when the cluster is told to end
   * @param agentArguments beyond --gateway, --token-file and --drain-timeout
   * @param log takes each line of their output
   */
  public static LocalCluster start(
      String listen,
      Path gatewayDirectory,
      List<String> gatewayArguments,
      Duration drain,
      List<String> agentArguments,
      Consumer<String> log) {
    List<String> gatewayCommand =
        new ArrayList<>(
            List.of("gateway", "--listen", listen, "--data-dir", gatewayDirectory.toString()));
    gatewayCommand.addAll(gatewayArguments);
    ChildProcess gateway = ChildProcess.start(log, Duration.ZERO, gatewayCommand);
    try {
      String ready = gateway.awaitReady(START_LIMIT);
      String address = ready.substring(ready.lastIndexOf(' ') + 1);
      List<String> arguments =
          new ArrayList<>(
              List.of(
                  "agent",
                  "--gateway",
                  address,
                  "--token-file",
                  gatewayDirectory.resolve("agent.token").toString(),
                  "--drain-timeout",
                  Long.toString(drain.toSeconds())));
      arguments.addAll(agentArguments);
      ChildProcess agent = ChildProcess.start(log, drain, arguments);
      try {
        var _ = agent.awaitReady(START_LIMIT);
        return new LocalCluster(gateway, agent, address, gatewayDirectory);
      } catch (CommandException e) {
        agent.close();
        throw e;
      }
    } catch (CommandException e) {
      gateway.close();
      throw e;
    }
  }

  /** HOST:PORT of the gateway. */
  public String address() {
    return address;
  }

  /** Credential of the tenant "default". */
  public Path tenantToken() {
    return gatewayDirectory.resolve("tenant.token");
  }

  /** Completes when one of the two has ended, with the reason. */
  public CompletableFuture<String> ended() {
    return CompletableFuture.anyOf(gateway.ended(), agent.ended()).thenApply(String::valueOf);
  }

  /** The agent drains and ends; a second time: ends at once. The gateway stays until then. */
  void drain() {
    agent.terminate();
  }

  /** Ends the agent, with its workers, then the gateway. */
  @Override
  public void close() {
    agent.close();
    gateway.close();
  }
}
