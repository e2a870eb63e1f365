package io.farwarp.executor.agent;

import io.farwarp.rdma.Transports;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What an agent is told when it starts.
 *
 * @param executorId stable over restarts: 1-64 characters of {@code [A-Za-z0-9._-]}
 * @param token the agent's credential
 * @param ptxThreads threads of the PTX CPU device
 * @param devices what leases can be placed on; at least one
 * @param windowMemoryBytes what the windows of all leases may take together
 * @param maxWorkers worker processes that may run together
 * @param dataDirectory for packages, sockets and workers' temporary files; short, because a
 *     socket's path in it must fit 107 bytes
 * @param tcpHost address that workers bind tcp to; empty: no tcp
 * @param verbsHost IPv4 address of the RDMA device that workers listen on; empty: no verbs
 * @param tlsAuthority certificate of the authority that signed the gateway's; none: plaintext,
 *     which is for loopback only
 */
public record AgentOptions(
    String gatewayHost,
    int gatewayPort,
    String executorId,
    String token,
    int ptxThreads,
    List<AgentDevice> devices,
    long windowMemoryBytes,
    int maxWorkers,
    Path dataDirectory,
    String tcpHost,
    String verbsHost,
    Optional<Path> tlsAuthority) {

  public AgentOptions {
    devices = List.copyOf(devices);
  }

  /** Names of what workers can be reached by, best first, as far as this host can use it. */
  List<String> transports() {
    List<String> wanted = new ArrayList<>(List.of("shm"));
    if (!verbsHost.isEmpty()) {
      wanted.add("verbs");
    }
    if (!tcpHost.isEmpty()) {
      wanted.add("tcp");
    }
    wanted.retainAll(Transports.usable());
    return wanted;
  }

  @Override
  public String toString() {
    return "agent " + executorId + " for " + gatewayHost + ":" + gatewayPort;
  }
}
