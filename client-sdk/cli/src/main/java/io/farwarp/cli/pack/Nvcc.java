package io.farwarp.cli.pack;

import io.farwarp.cli.CommandException;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** NVIDIA's compiler, where it is installed: CUDA source to PTX that old drivers load too. */
final class Nvcc {
  private static final long LIMIT_S = 300;

  /** PTX versions with the first target of each that is worth having, lowest first. */
  private static final List<String[]> LEVELS =
      List.of(
          new String[] {"4.0", "sm_50"},
          new String[] {"5.0", "sm_60"},
          new String[] {"6.0", "sm_70"},
          new String[] {"6.3", "sm_75"},
          new String[] {"7.0", "sm_80"},
          new String[] {"7.8", "sm_90"});

  private Nvcc() {}

  /**
   * Compiles {@code source}.
   *
   * @param wanted name of the file that would have been used, for the error where nvcc is missing
   */
  static byte[] ptx(Path source, String wanted) {
    if (!isInstalled()) {
      throw new CommandException(
          source + " needs nvcc, which is not on PATH; put " + wanted + " beside it instead");
    }
    if (!Files.exists(source)) {
      throw new CommandException(source + ": no such file");
    }
    Path raw = temporary();
    Path lowered = temporary();
    try {
      run(List.of("nvcc", "-ptx", "-O3", "-o", raw.toString(), source.toString()));
      String text = Files.readString(raw);
      for (String[] level : isOnPath("ptxas") ? LEVELS : List.<String[]>of()) {
        String candidate = at(text, level[0], level[1]);
        Files.writeString(lowered, candidate);
        if (assembles(lowered, level[1])) {
          return candidate.getBytes(StandardCharsets.UTF_8);
        }
      }
      return text.getBytes(StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new CommandException(source + ": " + e.getMessage(), e);
    } finally {
      delete(raw);
      delete(lowered);
    }
  }

  static boolean isInstalled() {
    return isOnPath("nvcc");
  }

  private static String at(String ptx, String version, String target) {
    return ptx.replaceFirst("(?m)^\\.version .*$", ".version " + version)
        .replaceFirst("(?m)^\\.target .*$", ".target " + target);
  }

  private static boolean assembles(Path ptx, String target) throws IOException {
    // The assembler no longer emits code for the oldest, but takes PTX that is written for them.
    String emitted = List.of("sm_50", "sm_60", "sm_70").contains(target) ? "sm_75" : target;
    return exitCode(List.of("ptxas", "-arch=" + emitted, "-o", "/dev/null", ptx.toString()), null)
        == 0;
  }

  private static void run(List<String> command) throws IOException {
    Path messages = temporary();
    try {
      int code = exitCode(command, messages);
      if (code != 0) {
        throw new IOException(
            "nvcc failed: "
                + Files.readString(messages)
                    .lines()
                    .filter(l -> !l.isBlank())
                    .findFirst()
                    .orElse("exit code " + code));
      }
    } finally {
      delete(messages);
    }
  }

  private static int exitCode(List<String> command, @Nullable Path output) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectOutput(
        output == null
            ? ProcessBuilder.Redirect.DISCARD
            : ProcessBuilder.Redirect.to(output.toFile()));
    Process process = builder.start();
    try {
      if (!process.waitFor(LIMIT_S, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new IOException(command.getFirst() + " did not end within " + LIMIT_S + " s");
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while " + command.getFirst() + " ran", e);
    }
  }

  private static boolean isOnPath(String program) {
    String path = System.getenv("PATH");
    return path != null
        && Stream.of(path.split(File.pathSeparator))
            .anyMatch(directory -> new File(directory, program).canExecute());
  }

  private static Path temporary() {
    try {
      return Files.createTempFile("farwarp-", ".ptx");
    } catch (IOException e) {
      throw new CommandException("no temporary file can be made: " + e.getMessage(), e);
    }
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new CommandException(file + " cannot be deleted: " + e.getMessage(), e);
    }
  }
}
