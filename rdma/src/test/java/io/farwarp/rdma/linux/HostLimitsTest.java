package io.farwarp.rdma.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HostLimitsTest {
  private static final long MIB = 1L << 20;

  @TempDir Path directory;

  @Test
  void this_host_can_be_read_and_grants_a_small_window() throws IOException {
    HostLimits limits = HostLimits.read();
    assertTrue(limits.availableBytes() > 0);
    assertEquals(Optional.empty(), limits.refusal(MIB, 1, false));
  }

  @Test
  void each_limit_is_named_with_its_setting() {
    CgroupMemory cgroup = new CgroupMemory(Path.of("/cg/memory.max"), 60 * MIB, 10 * MIB);
    HostLimits limits = new HostLimits(100 * MIB, 90 * MIB, Optional.of(cgroup), 8 * MIB, 30 * MIB);
    assertTrue(limits.refusal(101 * MIB, 1, false).orElseThrow().contains("MemAvailable"));
    assertTrue(limits.refusal(95 * MIB, 1, false).orElseThrow().contains("vm.overcommit_memory"));
    assertTrue(limits.refusal(51 * MIB, 1, false).orElseThrow().contains("/cg/memory.max"));
    assertTrue(limits.refusal(40 * MIB, 1, false).orElseThrow().contains("ulimit -f"));
    assertEquals(Optional.empty(), limits.refusal(20 * MIB, 1, false));
    assertTrue(limits.refusal(20 * MIB, 1, true).orElseThrow().contains("ulimit -l"));
    assertEquals(Optional.empty(), limits.refusal(8 * MIB, 1, true));
  }

  @Test
  void windows_count_together_as_memory_and_each_for_itself_as_a_file_and_as_locked_pages() {
    HostLimits limits = new HostLimits(100 * MIB, 90 * MIB, Optional.empty(), 25 * MIB, 30 * MIB);
    assertEquals(Optional.empty(), limits.refusal(20 * MIB, 4, false));
    assertTrue(limits.refusal(31 * MIB, 1, false).orElseThrow().contains("ulimit -f"));
    assertTrue(limits.refusal(30 * MIB, 4, false).orElseThrow().contains("MemAvailable"));
    assertEquals(Optional.empty(), limits.refusal(20 * MIB, 4, true));
    assertTrue(limits.refusal(26 * MIB, 1, true).orElseThrow().contains("ulimit -l"));
  }

  @Test
  void tightest_cgroup_among_the_parents_counts_in_either_version() throws IOException {
    Path self = directory.resolve("cgroup");
    Files.writeString(self, "4:cpu,memory:/a/b\n0::/x\n");
    cgroup("memory/a", "memory.limit_in_bytes", 50 * MIB, "memory.usage_in_bytes", 20 * MIB);
    cgroup("memory/a/b", "memory.limit_in_bytes", Long.MAX_VALUE, "memory.usage_in_bytes", 5);
    assertEquals(30 * MIB, CgroupMemory.tightest(self, directory).orElseThrow().leftBytes());
    cgroup("x", "memory.max", 25 * MIB, "memory.current", 10 * MIB);
    Files.writeString(directory.resolve("x/memory.stat"), "anon 7\ninactive_file 1048576\n");
    CgroupMemory second = CgroupMemory.tightest(self, directory).orElseThrow();
    assertEquals(16 * MIB, second.leftBytes());
    assertEquals(directory.resolve("x/memory.max"), second.setting());
  }

  private void cgroup(String path, String limitFile, long limit, String usageFile, long usage)
      throws IOException {
    Path cgroup = Files.createDirectories(directory.resolve(path));
    Files.writeString(cgroup.resolve(limitFile), limit + "\n");
    Files.writeString(cgroup.resolve(usageFile), usage + "\n");
  }
}
