package io.farwarp.executor.agent;

import io.farwarp.executor.device.Devices;
import io.farwarp.executor.device.cuda.CheckMain;
import io.farwarp.executor.device.cuda.ProbeMain;
import io.farwarp.v1.HostProbe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Looks for this host's GPUs, and tries one, in a process of its own. */
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

  /**
   * Why workers on a GPU cannot use it, in one line; empty if they can. Blocks for as long as the
   * driver takes, up to a minute.
   *
   * @param environment as a worker's
   * @throws IOException no process can be started
   */
  static String check(Map<String, String> environment) throws IOException, InterruptedException {
    Path temporary = Files.createTempDirectory("farwarp-check");
    Path output = temporary.resolve("check");
    try {
      ProcessBuilder builder =
          new ProcessBuilder(WorkerJvm.command(temporary, List.of(), CheckMain.class))
              .redirectOutput(output.toFile())
              .redirectError(ProcessBuilder.Redirect.DISCARD);
      builder.environment().clear();
      builder.environment().putAll(environment);
      Process process = builder.start();
      try {
        if (!process.waitFor(LIMIT_S, TimeUnit.SECONDS)) {
          return "the driver did not answer within %d s".formatted(LIMIT_S);
        }
      } finally {
        process.destroyForcibly();
      }
      String answer = Files.readString(output).strip();
      if (answer.equals(CheckMain.USABLE)) {
        return "";
      }
      return answer.isEmpty()
          ? "the check died: " + WorkerProcess.exitText(process.exitValue())
          : answer;
    } finally {
      RunDirectory.removeTree(temporary);
    }
  }

  private static HostProbe missing(String why) {
    return HostProbe.newBuilder().setCudaMissing(why).build();
  }
}
