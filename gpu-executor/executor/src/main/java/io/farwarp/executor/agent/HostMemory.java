package io.farwarp.executor.agent;

import io.farwarp.rdma.linux.CgroupMemory;
import io.farwarp.rdma.linux.HostLimits;
import java.io.IOException;

/** How much memory of this host an agent may promise away. */
final class HostMemory {
  /**
   * What a worker process is counted as, beside its window: what one takes as a rule. Its heap may
   * grow to {@link #WORKER_HEAP_MIB} while it loads a package of 64 MiB, which not all do at once.
   */
  static final long WORKER_BYTES = 256L << 20;

  /** A package as it is read, its modules and what they are compiled to. */
  static final int WORKER_HEAP_MIB = 512;

  static final int MAX_WORKERS = 4096;

  private static final long ROUND_BYTES = 2L << 20;

  private HostMemory() {}

  /** Half of what is available now, within the cgroup's limit; a multiple of 2 MiB. */
  static long defaultWindowBytes() throws IOException {
    return availableBytes() / 2 / ROUND_BYTES * ROUND_BYTES;
  }

  /** As many workers as what is available now, beside the windows, has room for; at least one. */
  static int defaultMaxWorkers(long windowBytes) throws IOException {
    return Math.clamp((availableBytes() - windowBytes) / WORKER_BYTES, 1, MAX_WORKERS);
  }

  private static long availableBytes() throws IOException {
    HostLimits limits = HostLimits.read();
    long cgroupLeft = limits.cgroup().map(CgroupMemory::leftBytes).orElse(Long.MAX_VALUE);
    return Math.min(limits.availableBytes(), cgroupLeft);
  }
}
