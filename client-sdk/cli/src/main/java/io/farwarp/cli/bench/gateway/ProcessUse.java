package io.farwarp.cli.bench.gateway;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** What a process of this host uses, from procfs (proc(5)). */
final class ProcessUse {
  private final Path status;
  private final ProcessHandle process;

  ProcessUse(long pid) {
    status = Path.of("/proc", Long.toString(pid), "status");
    process = ProcessHandle.of(pid).orElseThrow();
  }

  /** Processor time that it has used, user and system. */
  Duration processorTime() {
    return process.info().totalCpuDuration().orElse(Duration.ZERO);
  }

  /** Bytes of it that are in memory now. */
  long residentBytes() throws IOException {
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
      }
    }
    throw new IOException(status + " says nothing of VmRSS");
  }
}
