package io.farwarp.executor.agent;

import io.farwarp.executor.device.NativeBudget;
import io.farwarp.rdma.linux.CgroupMemory;
import io.farwarp.rdma.linux.HostLimits;
import java.io.IOException;

/** How much memory of this host an agent may promise away. */
final class HostMemory {
  /** The Java heap of a worker: a package as it is read, its modules and what they become. */
  static final long HEAP_BYTES = 512L << 20;

  /** What a worker's JVM takes itself: code, classes, stacks, its compilers. */
  private static final long JVM_BYTES = 256L << 20;

  /** What a worker process may take, beside its window and as much again. */
  static final long WORKER_BYTES = HEAP_BYTES + JVM_BYTES + NativeBudget.BASE_BYTES;

  static final int MAX_WORKERS = 4096;

  private static final long ROUND_BYTES = 2L << 20;

  private HostMemory() {}

  /**
   * A quarter of what is available now, within the cgroup's limit; a multiple of 2 MiB. Workers may
   * take as much again by their windows' size, and the other half for themselves.
   */
  static long defaultWindowBytes() throws IOException {
    return availableBytes() / 4 / ROUND_BYTES * ROUND_BYTES;
  }

  /**
   * As many workers as what is available now, beside the windows, and the limits of threads have
   * room for; at least one.
   */
  static int defaultMaxWorkers(long windowBytes) throws IOException {
    long leftBytes = availableBytes() - windowBytes - windowBytes;
    long byThreads = HostThreads.mostWorkers(WorkerCgroup.ROOT, WorkerCgroup.SELF);
    return Math.clamp(Math.min(leftBytes / WORKER_BYTES, byThreads), 1, MAX_WORKERS);
  }

  /** The most that one worker may take of the host's memory, its window included. */
  static long workerBytes(long windowBytes) {
    return windowBytes + NativeBudget.limitBytes(windowBytes) + HEAP_BYTES + JVM_BYTES;
  }

  /** What is available now, within the cgroup's limit. */
  static long availableBytes() throws IOException {
    HostLimits limits = HostLimits.read();
    long cgroupLeft = limits.cgroup().map(CgroupMemory::leftBytes).orElse(Long.MAX_VALUE);
    return Math.min(limits.availableBytes(), cgroupLeft);
  }
}
