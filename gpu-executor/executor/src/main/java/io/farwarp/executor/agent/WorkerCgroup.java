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
 * nothing, which is said once. It makes a worker one thing to account, freeze or kill. It sets no
 * limit: the kernel gives a group's children controllers only if the group itself has no process,
 * and the agent is one. A worker's memory is limited by the worker itself.
 */
final class WorkerCgroup {
  private static final Logger LOG = System.getLogger(WorkerCgroup.class.getName());
  static final Path ROOT = Path.of("/sys/fs/cgroup");

  /** Names the cgroups of this process. */
  static final Path SELF = Path.of("/proc/self/cgroup");

  private static final AtomicBoolean TOLD = new AtomicBoolean();

  private final @Nullable Path group;

  private WorkerCgroup(@Nullable Path group) {
    this.group = group;
  }

  /**
   * @param root where the cgroups are mounted
   * @param self what names this process's
   */
  static WorkerCgroup enter(long pid, Path root, Path self) {
    Path group = null;
    try {
      group = ownGroup(root, self).resolve("farwarp-worker-" + pid);
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

  private static Path ownGroup(Path root, Path self) throws IOException {
    if (!Files.exists(root.resolve("cgroup.controllers"))) {
      throw new IOException("no unified cgroup hierarchy at " + root);
    }
    for (String line : Files.readAllLines(self)) {
      if (line.startsWith("0::/")) {
        return root.resolve(line.substring("0::/".length()));
      }
    }
    throw new IOException("no unified cgroup in " + self);
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
