package io.farwarp.executor.agent;

import io.farwarp.rdma.linux.CgroupMemory;
import io.farwarp.rdma.linux.HostLimits;
import java.io.IOException;

/** How much memory of this host an agent may promise away. */
final class HostMemory {
  private static final long ROUND_BYTES = 2L << 20;

  private HostMemory() {}

  /** Half of what is available now, within the cgroup's limit; a multiple of 2 MiB. */
  static long defaultWindowBytes() throws IOException {
    HostLimits limits = HostLimits.read();
    long cgroupLeft = limits.cgroup().map(CgroupMemory::leftBytes).orElse(Long.MAX_VALUE);
    return Math.min(limits.availableBytes(), cgroupLeft) / 2 / ROUND_BYTES * ROUND_BYTES;
  }
}
