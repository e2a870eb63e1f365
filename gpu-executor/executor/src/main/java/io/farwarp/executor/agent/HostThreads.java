package io.farwarp.executor.agent;

import io.farwarp.rdma.linux.Libc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How many threads this host lets the agent and its workers have. */
final class HostThreads {
  /** What a worker is counted as: its JVM, its listeners, its compute threads as a rule. */
  private static final long PER_WORKER = 64;

  private HostThreads() {}

  /** For how many workers the limits of this process's cgroup and user are enough. */
  static long mostWorkers(Path cgroups, Path self) throws IOException {
    long most = Libc.getrlimit(Libc.RLIMIT_NPROC).soft();
    most = most < 0 ? Long.MAX_VALUE : most; // RLIM_INFINITY
    return Math.min(most, cgroupLimit(cgroups, self)) / PER_WORKER;
  }

  private static long cgroupLimit(Path cgroups, Path self) throws IOException {
    if (!Files.exists(self)) {
      return Long.MAX_VALUE;
    }
    for (String line : Files.readAllLines(self)) {
      if (line.startsWith("0::/")) {
        Path limit = cgroups.resolve(line.substring("0::/".length())).resolve("pids.max");
        if (Files.isReadable(limit)) {
          String value = Files.readString(limit).strip();
          return value.equals("max") ? Long.MAX_VALUE : Long.parseLong(value);
        }
      }
    }
    return Long.MAX_VALUE;
  }
}
