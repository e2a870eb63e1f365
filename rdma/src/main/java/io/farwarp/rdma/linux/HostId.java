package io.farwarp.rdma.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Names this running kernel: two processes with the same id can share memory. */
public final class HostId {
  /** See proc_sys_kernel(5): random for each boot, the same in every container of the host. */
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  private HostId() {}

  public static String local() {
    try {
      return Files.readString(BOOT_ID).strip();
    } catch (IOException e) {
      throw new UncheckedIOException("the host's boot id cannot be read from " + BOOT_ID, e);
    }
  }
}
