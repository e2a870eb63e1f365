package io.farwarp.executor.agent;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What processes that can share this host's memory agree on. */
final class HostId {
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  private HostId() {}

  /** The kernel's boot id: the same for every process of this running host, and no other's. */
  static String local() {
    try {
      return Files.readString(BOOT_ID).strip();
    } catch (IOException e) {
      throw new UncheckedIOException("the host's boot id cannot be read from " + BOOT_ID, e);
    }
  }
}
