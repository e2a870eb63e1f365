package io.farwarp.rdma.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The memory limit of one cgroup.
 *
 * @param setting the file that holds it
 * @param usedBytes charged now, less file pages that the kernel can drop at once
 */
public record CgroupMemory(Path setting, long limitBytes, long usedBytes) {
  /**
   * What version 1 says where there is no limit: the greatest multiple of a page, or close to it.
   */
  private static final long UNLIMITED_BYTES = Long.MAX_VALUE >> 1;

  public long leftBytes() {
    return Math.max(0, limitBytes - usedBytes);
  }

  /**
   * The cgroup with least left among this process's and their parents, of either version; empty if
   * none has a limit. Inside a container the paths of the host are not there: its root counts.
   */
  static Optional<CgroupMemory> tightest(Path procSelfCgroup, Path mounts) throws IOException {
    if (!Files.exists(procSelfCgroup)) {
      return Optional.empty();
    }
    List<CgroupMemory> found = new ArrayList<>();
    for (String line : Files.readAllLines(procSelfCgroup)) {
      String[] parts = line.split(":", 3); // hierarchy, controllers, path
      if (parts.length < 3) {
        continue;
      }
      if (parts[1].isEmpty()) {
        collect(mounts, parts[2], "memory.max", "memory.current", "inactive_file", found);
      } else if (List.of(parts[1].split(",")).contains("memory")) {
        collect(
            mounts.resolve("memory"),
            parts[2],
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_inactive_file",
            found);
      }
    }
    return found.stream().min(Comparator.comparingLong(CgroupMemory::leftBytes));
  }

  private static void collect(
      Path root, String path, String limit, String usage, String droppable, List<CgroupMemory> into)
      throws IOException {
    Path cgroup = root.resolve(path.replaceFirst("^/+", "")).normalize();
    while (cgroup != null && cgroup.startsWith(root)) {
      Path setting = cgroup.resolve(limit);
      if (Files.isReadable(setting)) {
        String value = Files.readString(setting).strip();
        if (!value.equals("max") && Long.parseLong(value) < UNLIMITED_BYTES) {
          long used = Long.parseLong(Files.readString(cgroup.resolve(usage)).strip());
          long free = statistic(cgroup.resolve("memory.stat"), droppable);
          into.add(new CgroupMemory(setting, Long.parseLong(value), Math.max(0, used - free)));
        }
      }
      cgroup = cgroup.getParent();
    }
  }

  private static long statistic(Path file, String name) throws IOException {
    if (!Files.isReadable(file)) {
      return 0;
    }
    for (String line : Files.readAllLines(file)) {
      if (line.startsWith(name + " ")) {
        return Long.parseLong(line.substring(name.length() + 1).strip());
      }
    }
    return 0;
  }
}
