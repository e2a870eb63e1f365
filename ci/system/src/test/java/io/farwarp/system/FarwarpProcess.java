package io.farwarp.system;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The {@code farwarp} program as a process of its own, its standard error in a file. */
final class FarwarpProcess implements AutoCloseable {
  static final long START_LIMIT_S = Patience.seconds(60);

  /** Of the JVMs that tests start, and of those that these start. */
  private static final String JAVA_OPTIONS = System.getProperty("farwarp.test.java-options", "");

  private final Process process;
  private final BufferedReader out;
  private final Path err;

  private FarwarpProcess(Process process, Path err) {
    this.process = process;
    this.out = process.inputReader(StandardCharsets.UTF_8);
    this.err = err;
  }

  static FarwarpProcess start(Path directory, Map<String, String> environment, String... arguments)
      throws IOException {
    return startMain("io.farwarp.cli.Main", directory, environment, arguments);
  }

  /** With classes and resources of {@code altered} instead of the program's own of that name. */
  static FarwarpProcess startAltered(Path altered, Path directory, String... arguments)
      throws IOException {
    String classPath = altered + File.pathSeparator + System.getProperty("java.class.path");
    return start(classPath, "io.farwarp.cli.Main", directory, Map.of(), arguments);
  }

  static FarwarpProcess startMain(
      String main, Path directory, Map<String, String> environment, String... arguments)
      throws IOException {
    return start(System.getProperty("java.class.path"), main, directory, environment, arguments);
  }

  private static FarwarpProcess start(
      String classPath,
      String main,
      Path directory,
      Map<String, String> environment,
      String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-Xmx1g");
    command.add("-cp");
    command.add(classPath);
    command.add(main);
    command.addAll(List.of(arguments));
    Path err = Files.createTempFile(directory, "err", ".log");
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    if (!JAVA_OPTIONS.isEmpty()) {
      builder.environment().put("JDK_JAVA_OPTIONS", JAVA_OPTIONS);
    }
    return new FarwarpProcess(builder.redirectError(err.toFile()).start(), err);
  }

  /**
   * Reads lines of standard output until one starts with {@code prefix}; returns the rest of that
   * line.
   */
  String awaitLine(String prefix) {
    CompletableFuture<String> line =
        CompletableFuture.supplyAsync(() -> {
          try {
            for (String next = out.readLine(); next != null; next = out.readLine()) {
              if (next.startsWith(prefix)) {
                return next.substring(prefix.length()).trim();
              }
            }
            return "";
          } catch (IOException failure) {
            return "";
          }
        });
    String rest = line.completeOnTimeout("", START_LIMIT_S, TimeUnit.SECONDS).join();
    if (rest.isEmpty()) {
      fail("no line '" + prefix + "…' from " + this + "; its standard error: " + errors());
    }
    return rest;
  }

  /** Waits for the end and returns all of standard output that was not read yet. */
  String finish(int wantedExit, long limitS) throws Exception {
    CompletableFuture<String> rest =
        CompletableFuture.supplyAsync(() -> String.join("\n", out.lines().toList()));
    assertTrue(
        process.waitFor(Patience.seconds(limitS), TimeUnit.SECONDS),
        "still running after " + limitS + " s: " + errors());
    String text = rest.get(10, TimeUnit.SECONDS);
    if (process.exitValue() != wantedExit) {
      fail("exit " + process.exitValue() + " instead of " + wantedExit + ": " + text + errors());
    }
    return text;
  }

  String errors() {
    try {
      return Files.readString(err);
    } catch (IOException failure) {
      return failure.toString();
    }
  }

  ProcessHandle handle() {
    return process.toHandle();
  }

  /** SIGKILL. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** SIGTERM; its output can still be read. */
  void terminate() {
    assertTrue(process.toHandle().destroy());
  }

  @Override
  public void close() throws Exception {
    process.destroy();
    if (!process.waitFor(10, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
    }
  }
}
