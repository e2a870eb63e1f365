package io.farwarp.rdma.verbs;

import io.farwarp.rdma.Admission;
import io.farwarp.rdma.Introduction;
import io.farwarp.rdma.Listener;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.Transport;
import java.io.IOException;
import java.util.Optional;

/**
 * Two processes that RDMA verbs connect: InfiniBand, RoCE, soft-RoCE. The address is {@code
 * host:port} of an RDMA device, IPv4 only. Loads what it needs on first use.
 */
public final class VerbsTransport implements Transport {
  @Override
  public String name() {
    return "verbs";
  }

  @Override
  public boolean sharesWindow() {
    return false;
  }

  /** Loads nothing where there is no device. */
  @Override
  public Optional<String> unavailable() {
    if (!RdmaDevices.any()) {
      return Optional.of("this host has no RDMA device (/sys/class/infiniband has none)");
    }
    try {
      return DisniRuntime.transport().unavailable();
    } catch (IOException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public Listener listen(String address, Admission admission) throws IOException {
    return DisniRuntime.transport().listen(address, admission);
  }

  @Override
  public QueuePair connect(String address, Introduction introduction, long timeoutNs)
      throws IOException {
    return DisniRuntime.transport().connect(address, introduction, timeoutNs);
  }
}
