package io.farwarp.system;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A gateway and an agent as real processes on loopback, in a directory of the test's. */
final class Cluster implements AutoCloseable {
  private static final Duration HEARTBEAT = Duration.ofSeconds(1);

  final Path directory;
  final String address;
  private FarwarpProcess gateway;
  private FarwarpProcess agent;

  private Cluster(Path directory, FarwarpProcess gateway, String address, FarwarpProcess agent) {
    this.directory = directory;
    this.gateway = gateway;
    this.address = address;
    this.agent = agent;
  }

  /**
   * @param agentArguments beyond those that every agent gets
   */
  static Cluster start(Path directory, String... agentArguments) throws Exception {
    return start(directory, Map.of(), agentArguments);
  }

  /**
   * @param agentEnvironment beyond the test's own
   */
  static Cluster start(
      Path directory, Map<String, String> agentEnvironment, String... agentArguments)
      throws Exception {
    FarwarpProcess gateway = startGateway(directory, "127.0.0.1:0");
    try {
      String address = gateway.awaitLine("gateway ready on ");
      FarwarpProcess agent = startAgent(directory, agentEnvironment, address, agentArguments);
      try {
        agent.awaitLine("agent ready as ");
        return new Cluster(directory, gateway, address, agent);
      } catch (Throwable failure) {
        agent.close();
        throw failure;
      }
    } catch (Throwable failure) {
      gateway.close();
      throw failure;
    }
  }

  private static FarwarpProcess startGateway(Path directory, String listen) throws IOException {
    return FarwarpProcess.start(
        directory,
        Map.of(),
        "gateway",
        "--listen",
        listen,
        "--heartbeat-ms",
        Long.toString(Patience.of(HEARTBEAT).toMillis()),
        "--data-dir",
        directory.resolve("gateway").toString());
  }

  private static FarwarpProcess startAgent(
      Path directory, Map<String, String> environment, String gateway, String... more)
      throws IOException {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "agent",
                "--gateway",
                gateway,
                "--token-file",
                directory.resolve("gateway/agent.token").toString(),
                "--id",
                "executor-1",
                "--ptx-threads",
                "1",
                "--window-memory",
                "1GiB",
                "--data-dir",
                directory.resolve("agent").toString()));
    arguments.addAll(List.of(DataPaths.agentArguments()));
    arguments.addAll(List.of(more));
    return FarwarpProcess.start(directory, environment, arguments.toArray(String[]::new));
  }

  Path tenantToken() {
    return directory.resolve("gateway/tenant.token");
  }

  Path operatorToken() {
    return directory.resolve("gateway/operator.token");
  }

  FarwarpProcess gateway() {
    return gateway;
  }

  FarwarpProcess agent() {
    return agent;
  }

  /** A gateway again, on the same address and with the same store. */
  void restartGateway() throws Exception {
    gateway.close();
    gateway = startGateway(directory, address);
    gateway.awaitLine("gateway ready on ");
  }

  void restartAgent() throws Exception {
    agent.close();
    agent = startAgent(directory, Map.of(), address);
    agent.awaitLine("agent ready as ");
  }

  /** The command line against this cluster, as a tenant. */
  FarwarpProcess farwarp(String... arguments) throws IOException {
    return FarwarpProcess.start(
        directory,
        Map.of("FARWARP_GATEWAY", address, "FARWARP_TOKEN_FILE", tenantToken().toString()),
        arguments);
  }

  /** Waits for a condition of another process, which nothing announces. */
  static void await(String what, long limitS, BooleanSupplier condition) {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(Patience.seconds(limitS));
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadlineNs) {
        throw new AssertionError("not within " + limitS + " s: " + what);
      }
      java.util.concurrent.locks.LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
  }

  @Override
  public void close() throws Exception {
    try (FarwarpProcess first = agent;
        FarwarpProcess second = gateway) {
      // Closed in the reverse order of their start.
    }
  }
}
