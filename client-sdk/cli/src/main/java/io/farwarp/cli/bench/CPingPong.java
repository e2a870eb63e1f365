package io.farwarp.cli.bench;

import io.farwarp.cli.TemporaryDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The shared-memory ping-pong in C, compiled where gcc is there. */
final class CPingPong implements AutoCloseable {
  private static final int ROUND_TRIPS = 300_000;

  private final TemporaryDirectory directory;
  private final Path binary;

  private CPingPong(TemporaryDirectory directory, Path binary) {
    this.directory = directory;
    this.binary = binary;
  }

  /** Empty where there is no gcc. */
  static Optional<CPingPong> compile() throws IOException {
    TemporaryDirectory directory = TemporaryDirectory.create("farwarp-pingpong");
    try {
      Path binary = CCompiler.compile(directory.path(), "pingpong.c", List.of("-O2"), List.of());
      return Optional.of(new CPingPong(directory, binary));
    } catch (IOException noCompiler) {
      directory.close();
      return Optional.empty();
    }
  }

  /** Median round trip of one run. */
  double p50Ns() throws IOException {
    return Double.parseDouble(
        CCompiler.run(List.of(binary.toString(), Integer.toString(ROUND_TRIPS))));
  }

  @Override
  public void close() {
    directory.close();
  }
}
