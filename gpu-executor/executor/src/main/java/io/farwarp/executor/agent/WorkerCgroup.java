package io.farwarp.executor.agent;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A worker's own cgroup (v2) below the agent's, where that is delegated to the agent's user; else
 * nothing, which is said once.
 */
final class WorkerCgroup {
  private static final Logger LOG = System.getLogger(WorkerCgroup.class.getName());
  private static final Path ROOT = Path.of("/sys/fs/cgroup");
  private static final AtomicBoolean TOLD = new AtomicBoolean();

  private final @Nullable Path group;

  private WorkerCgroup(@Nullable Path group) {
    this.group = group;
  }

  static WorkerCgroup enter(long pid) {
    Path group = null;
    try {
      group = ownGroup().resolve("farwarp-worker-" + pid);
      Files.createDirectory(group);
      Files.writeString(group.resolve("cgroup.procs"), Long.toString(pid));
      return new WorkerCgroup(group);
    } catch (IOException e) {
      if (!TOLD.getAndSet(true)) {
        LOG.log(
            Level.INFO, "workers run in the agent''s cgroup; none is delegated: {0}", e.toString());
      }
      WorkerCgroup unused = new WorkerCgroup(group);
      unused.remove();
      return new WorkerCgroup(null);
    }
  }

  private static Path ownGroup() throws IOException {
    if (!Files.exists(ROOT.resolve("cgroup.controllers"))) {
      throw new IOException("no unified cgroup hierarchy at " + ROOT);
    }
    for (String line : Files.readAllLines(Path.of("/proc/self/cgroup"))) {
      if (line.startsWith("0::/")) {
        return ROOT.resolve(line.substring("0::/".length()));
      }
    }
    throw new IOException("no unified cgroup in /proc/self/cgroup");
  }

  /** After its process is gone. */
  void remove() {
    if (group != null) {
      try {
        Files.deleteIfExists(group);
      } catch (IOException e) {
        LOG.log(Level.WARNING, "cgroup {0} stays: {1}", group, e.toString());
      }
    }
  }
}
