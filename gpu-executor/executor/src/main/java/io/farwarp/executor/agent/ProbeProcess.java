package io.farwarp.executor.agent;

import io.farwarp.executor.device.Devices;
import io.farwarp.executor.device.cuda.ProbeMain;
import io.farwarp.v1.HostProbe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Looks for this host's GPUs, in a process of its own. */
public final class ProbeProcess {
  private static final long LIMIT_S = 60;

  private ProbeProcess() {}

  /**
   * What the host has; a process that dies or hangs counts as a host without CUDA, and says so.
   *
   * @throws IOException no process can be started
   */
  public static HostProbe run() throws IOException, InterruptedException {
    String missing = Devices.cudaMissing();
    if (!missing.isEmpty()) {
      return missing(missing);
    }
    Path temporary = Files.createTempDirectory("farwarp-probe");
    Path output = temporary.resolve("probe");
    try {
      Process process =
          new ProcessBuilder(WorkerJvm.command(temporary, List.of(), ProbeMain.class))
              .redirectOutput(output.toFile())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!process.waitFor(LIMIT_S, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return missing("the driver did not answer within %d s".formatted(LIMIT_S));
      }
      try (var in = Files.newInputStream(output)) {
        HostProbe found = HostProbe.parseDelimitedFrom(in);
        return found == null
            ? missing("the probe died: " + WorkerProcess.exitText(process.exitValue()))
            : found;
      }
    } finally {
      RunDirectory.removeTree(temporary);
    }
  }

  private static HostProbe missing(String why) {
    return HostProbe.newBuilder().setCudaMissing(why).build();
  }
}
