package io.farwarp.cli.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Makes the baselines in C, where gcc is there. */
final class CCompiler {
  private static final long TIMEOUT_S = 60;

  private CCompiler() {}

  /**
   * Compiles a source from the class path.
   *
   * @param source its name beside this class
   * @param directory where source and binary go
   * @param options of gcc, before the source
   * @param libraries after it
   * @return the binary
   * @throws IOException if there is no gcc, or it fails
   */
  static Path compile(Path directory, String source, List<String> options, List<String> libraries)
      throws IOException {
    Path copy = directory.resolve(Path.of(source).getFileName().toString());
    try (InputStream text = CCompiler.class.getResourceAsStream(source)) {
      if (text == null) {
        throw new IOException(source + " is missing from the class path");
      }
      Files.copy(text, copy);
    }
    Path binary = directory.resolve("binary");
    List<String> command = new ArrayList<>(List.of("gcc"));
    command.addAll(options);
    command.addAll(List.of("-o", binary.toString(), copy.toString()));
    command.addAll(libraries);
    var _ = run(command);
    return binary;
  }

  /** What a command prints, trimmed; it must succeed. */
  static String run(List<String> command) throws IOException {
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try {
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(TIMEOUT_S, TimeUnit.SECONDS) || process.exitValue() != 0) {
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
}
