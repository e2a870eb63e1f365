package io.farwarp.executor.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A directory stands for the mount; the kernel's part, which makes the files, is the test's. */
final class WorkerCgroupTest {
  private static final long PID = 4711;
  private static final long MAX_BYTES = 3L << 30;

  @TempDir Path directory;
  private Path root;
  private Path self;

  @BeforeEach
  void mount() throws IOException {
    root = Files.createDirectories(directory.resolve("cgroup"));
    self = directory.resolve("self");
    Files.writeString(self, "4:memory:/old\n0::/user.slice/agent\n");
    Files.createDirectories(root.resolve("user.slice/agent"));
  }

  @Test
  void a_worker_is_put_into_a_group_below_its_agents_and_the_group_goes_with_it()
      throws IOException {
    Files.writeString(root.resolve("cgroup.controllers"), "memory pids\n");
    WorkerCgroup cgroup = WorkerCgroup.enter(PID, MAX_BYTES, root, self);
    Path group = root.resolve("user.slice/agent/farwarp-worker-4711");
    assertEquals("4711", Files.readString(group.resolve("cgroup.procs")));
    removeLikeTheKernel(cgroup, group);
  }

  private static void removeLikeTheKernel(WorkerCgroup cgroup, Path group) throws IOException {
    for (Path file : below(group)) {
      Files.delete(file); // the kernel's files are no hindrance
    }
    cgroup.remove();
    assertFalse(Files.exists(group));
  }

  @Test
  void beside_an_agent_in_a_subgroup_of_its_service_a_worker_has_limits() throws IOException {
    Files.writeString(root.resolve("cgroup.controllers"), "memory pids\n");
    Path service = Files.createDirectories(root.resolve("farwarp.service"));
    Files.writeString(self, "0::/farwarp.service/farwarp-agent\n");
    WorkerCgroup cgroup = WorkerCgroup.enter(PID, MAX_BYTES, root, self);
    assertEquals("+memory +pids", Files.readString(service.resolve("cgroup.subtree_control")));
    Path group = service.resolve("farwarp-worker-4711");
    assertEquals("" + MAX_BYTES, Files.readString(group.resolve("memory.max")));
    assertEquals("4608", Files.readString(group.resolve("pids.max")));
    assertEquals("4711", Files.readString(group.resolve("cgroup.procs")));
    removeLikeTheKernel(cgroup, group);
  }

  @Test
  void without_a_unified_hierarchy_nothing_is_made() throws IOException {
    WorkerCgroup.enter(PID, MAX_BYTES, root, self).remove();
    assertEquals(List.of(), below(root.resolve("user.slice/agent")));
  }

  @Test
  void where_no_group_can_be_made_the_worker_stays_in_its_agents() throws IOException {
    Files.writeString(root.resolve("cgroup.controllers"), "memory pids\n");
    Files.writeString(self, "0::/elsewhere\n");
    WorkerCgroup.enter(PID, MAX_BYTES, root, self).remove();
    assertFalse(Files.exists(root.resolve("elsewhere")));
  }

  private static List<Path> below(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.toList();
    }
  }
}
