package io.farwarp.executor.agent;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * /** A worker's own cgroup (v2), where one is delegated to the agent's user, with limits of memory
 * and threads where those controllers are; what is not is said once. It also makes a worker one
 * thing to account, freeze or kill.
 */
final class WorkerCgroup {
  private static final Logger LOG = System.getLogger(WorkerCgroup.class.getName());
  static final Path ROOT = Path.of("/sys/fs/cgroup");

  /** Names the cgroups of this process. */
  static final Path SELF = Path.of("/proc/self/cgroup");

  /** Where a service puts its agent, so that workers can be beside it. */
  private static final String AGENT_SUBGROUP = "farwarp-agent";

  private static final AtomicBoolean TOLD = new AtomicBoolean();
  private static final AtomicBoolean TOLD_LIMIT = new AtomicBoolean();

  /** Threads of a worker: compute threads, at most 4096, and those of its JVM and listeners. */
  private static final long MAX_THREADS = 4096 + 512;

  private final @Nullable Path group;

  private WorkerCgroup(@Nullable Path group) {
    this.group = group;
  }

  /**
   * Takes a process in.
   *
   * @param maxBytes of memory that it may take from then on
   * @param root where the cgroups are mounted
   * @param self what names this process's
   */
  static WorkerCgroup enter(long pid, long maxBytes, Path root, Path self) {
    Path group = null;
    try {
      group = parent(ownGroup(root, self)).resolve("farwarp-worker-" + pid);
      Files.createDirectory(group);
      limit(group.resolve("memory.max"), maxBytes);
      limit(group.resolve("pids.max"), MAX_THREADS);
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

  /**
   * Where workers' groups are made. The kernel gives a group's children controllers only if the
   * group itself has no process, and the agent is one: so a service has {@code Delegate=yes} and
   * {@code DelegateSubgroup=farwarp-agent}, and its workers are beside its agent. Else they are
   * below it, without limits of their own.
   */
  private static Path parent(Path own) throws IOException {
    Path above = own.getParent();
    if (above == null || !own.endsWith(AGENT_SUBGROUP)) {
      return own;
    }
    Files.writeString(above.resolve("cgroup.subtree_control"), "+memory +pids");
    return above;
  }

  private static void limit(Path file, long most) {
    try {
      Files.writeString(file, Long.toString(most));
    } catch (IOException e) {
      if (!TOLD_LIMIT.getAndSet(true)) {
        LOG.log(
            Level.INFO,
            "workers have no {0}; a service with Delegate=yes and DelegateSubgroup={1} has it: {2}",
            file.getFileName(),
            AGENT_SUBGROUP,
            e.toString());
      }
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
