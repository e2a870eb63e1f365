package io.farwarp.executor.agent;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** How much memory of this host an agent may promise away. */
final class HostMemory {
  private static final Path MEMINFO = Path.of("/proc/meminfo");
  private static final List<Path> CGROUP_LIMITS =
      List.of(
          Path.of("/sys/fs/cgroup/memory.max"),
          Path.of("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
  private static final long ROUND_BYTES = 2L << 20;

  private HostMemory() {}

  /** Half of what is available now, within the cgroup's limit; a multiple of 2 MiB. */
  static long defaultWindowBytes() throws IOException {
    long available = availableBytes();
    for (Path file : CGROUP_LIMITS) {
      available = Math.min(available, limit(file));
    }
    return available / 2 / ROUND_BYTES * ROUND_BYTES;
  }

  private static long availableBytes() throws IOException {
    for (String line : Files.readAllLines(MEMINFO)) {
      if (line.startsWith("MemAvailable:")) {
        String kib = line.substring("MemAvailable:".length()).replace("kB", "").strip();
        return Long.parseLong(kib) * 1024;
      }
    }
    throw new IOException(MEMINFO + " does not tell MemAvailable; give --window-memory");
  }

  private static long limit(Path file) {
    try {
      String text = Files.readString(file).strip();
      return text.equals("max") ? Long.MAX_VALUE : Long.parseLong(text);
    } catch (IOException | NumberFormatException e) {
      return Long.MAX_VALUE; // this hierarchy sets no limit here
    }
  }
}
