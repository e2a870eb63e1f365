package io.farwarp.executor.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HostThreadsTest {
  @TempDir Path directory;

  private long mostWorkers(String pidsMax) throws IOException {
    Path group = Files.createDirectories(directory.resolve("agent.service"));
    Files.writeString(group.resolve("pids.max"), pidsMax + "\n");
    Path self = Files.writeString(directory.resolve("self"), "0::/agent.service\n");
    return HostThreads.mostWorkers(directory, self);
  }

  @Test
  void the_cgroups_limit_of_threads_bounds_the_workers() throws IOException {
    assertEquals(2, mostWorkers("128"));
    assertTrue(mostWorkers("max") >= 2);
  }
}
