package io.farwarp.rdma.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What this host lets a process have of memory, for the question whether windows of a given size
 * can be granted. A memfd lives outside {@code /dev/shm}, so that mount's size does not limit it;
 * free memory, the cgroup, the process's file size limit, strict overcommit and, for pinned
 * windows, the memlock limit do.
 *
 * @param availableBytes memory that can be had without swapping ({@code MemAvailable})
 * @param commitLeftBytes what strict overcommit still grants; {@link Long#MAX_VALUE} unless {@code
 *     vm.overcommit_memory} is 2
 * @param cgroup the tightest of this process's cgroups, if one has a limit
 * @param memlockBytes soft limit of pinned memory, {@link Long#MAX_VALUE} for none
 * @param fileBytes soft limit of a file's size, {@link Long#MAX_VALUE} for none
 */
public record HostLimits(
    long availableBytes,
    long commitLeftBytes,
    Optional<CgroupMemory> cgroup,
    long memlockBytes,
    long fileBytes) {

  /** As this host is now. */
  public static HostLimits read() throws IOException {
    Path proc = Path.of("/proc");
    return new HostLimits(
        meminfo(proc, "MemAvailable"),
        commitLeft(proc),
        CgroupMemory.tightest(Path.of("/proc/self/cgroup"), Path.of("/sys/fs/cgroup")),
        soft(Libc.RLIMIT_MEMLOCK),
        soft(Libc.RLIMIT_FSIZE));
  }

  /**
   * Why windows of that size cannot be had, with the setting to change; empty if nothing speaks
   * against them.
   *
   * @param windowBytes of each window, which is a file of its own that a process of its own maps
   * @param windows how many at once
   * @param pinned for RDMA or a GPU, which need their pages locked
   */
  public Optional<String> refusal(long windowBytes, int windows, boolean pinned) {
    long bytes = Math.multiplyExact(windowBytes, (long) windows);
    if (bytes > availableBytes) {
      return Optional.of(
          "windows of %d bytes; the host has %d available (MemAvailable in /proc/meminfo)"
              .formatted(bytes, availableBytes));
    }
    if (bytes > commitLeftBytes) {
      return Optional.of(
          "windows of %d bytes; strict overcommit leaves %d: set vm.overcommit_memory to 0 or"
                  .formatted(bytes, commitLeftBytes)
              + " raise vm.overcommit_ratio");
    }
    if (cgroup.isPresent() && bytes > cgroup.get().leftBytes()) {
      return Optional.of(
          "windows of %d bytes; the cgroup leaves %d of its %d: raise %s"
              .formatted(
                  bytes,
                  cgroup.get().leftBytes(),
                  cgroup.get().limitBytes(),
                  cgroup.get().setting()));
    }
    if (windowBytes > fileBytes) {
      return Optional.of(
          "a window of %d bytes; the file size limit is %d: raise ulimit -f (RLIMIT_FSIZE)"
              .formatted(windowBytes, fileBytes));
    }
    if (pinned && windowBytes > memlockBytes) {
      return Optional.of(
          "a pinned window of %d bytes; the limit of locked memory is %d: raise ulimit -l"
                  .formatted(windowBytes, memlockBytes)
              + " (RLIMIT_MEMLOCK, memlock in limits.conf, LimitMEMLOCK of the service)");
    }
    return Optional.empty();
  }

  private static long soft(int resource) throws ErrnoException {
    long soft = Libc.getrlimit(resource).soft();
    return soft < 0 ? Long.MAX_VALUE : soft; // RLIM_INFINITY and what is close to it
  }

  private static long commitLeft(Path proc) throws IOException {
    try {
      String mode = Files.readString(proc.resolve("sys/vm/overcommit_memory")).strip();
      return mode.equals("2")
          ? meminfo(proc, "CommitLimit") - meminfo(proc, "Committed_AS")
          : Long.MAX_VALUE;
    } catch (NoSuchFileException e) {
      return Long.MAX_VALUE; // A container that hides it.
    }
  }

  private static long meminfo(Path proc, String field) throws IOException {
    for (String line : Files.readAllLines(proc.resolve("meminfo"))) {
      if (line.startsWith(field + ":")) {
        String kibibytes = line.substring(field.length() + 1).replace("kB", "").strip();
        return Long.parseLong(kibibytes) << 10;
      }
    }
    throw new IOException("/proc/meminfo has no " + field);
  }
}
