package io.farwarp.cli.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The shared-memory ping-pong in C, compiled where gcc is there. */
final class CPingPong implements AutoCloseable {
  private static final int ROUND_TRIPS = 300_000;

  private final Path directory;

  private CPingPong(Path directory) {
    this.directory = directory;
  }

  /** Empty where there is no gcc. */
  static Optional<CPingPong> compile() throws IOException {
    CPingPong program = new CPingPong(Files.createTempDirectory("farwarp-pingpong"));
    Path source = program.directory.resolve("pingpong.c");
    try (InputStream text = CPingPong.class.getResourceAsStream("pingpong.c")) {
      if (text == null) {
        throw new IOException("pingpong.c is missing from the class path");
      }
      Files.copy(text, source);
    }
    try {
      run(List.of("gcc", "-O2", "-o", program.binary(), source.toString()));
      return Optional.of(program);
    } catch (IOException noCompiler) {
      program.close();
      return Optional.empty();
    }
  }

  /** Median round trip of one run. */
  double p50Ns() throws IOException {
    return Double.parseDouble(run(List.of(binary(), Integer.toString(ROUND_TRIPS))));
  }

  private String binary() {
    return directory.resolve("pingpong").toString();
  }

  private static String run(List<String> command) throws IOException {
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try {
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
        process.destroyForcibly();
        throw new IOException(command.getFirst() + " failed");
      }
      return out.trim();
    } catch (InterruptedException interrupted) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", interrupted);
    }
  }

  @Override
  public void close() throws IOException {
    Files.deleteIfExists(directory.resolve("pingpong"));
    Files.deleteIfExists(directory.resolve("pingpong.c"));
    Files.delete(directory);
  }
}
