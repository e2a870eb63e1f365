package io.farwarp.simcuda;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Libraries out of this jar, in a directory that only this user may enter. Once they are loaded the
 * files are needed no more, and {@link #close} removes them.
 */
final class NativeLibraries implements AutoCloseable {
  private final Path directory;
  private final List<Path> files = new ArrayList<>();

  private NativeLibraries(Path directory) {
    this.directory = directory;
  }

  /** Throws with what this build lacks. */
  static NativeLibraries unpack(String... names) throws IOException {
    NativeLibraries libraries = new NativeLibraries(Files.createTempDirectory("farwarp-simcuda-"));
    try {
      for (String name : names) {
        libraries.add(name);
      }
      return libraries;
    } catch (IOException e) {
      libraries.close();
      throw e;
    }
  }

  private void add(String name) throws IOException {
    try (InputStream library = resource(name)) {
      if (library == null) {
        throw new IOException(whyMissing());
      }
      Path file = file(name);
      files.add(file);
      Files.copy(library, file);
    }
  }

  private static String whyMissing() throws IOException {
    try (InputStream reason = resource("missing")) {
      return reason == null
          ? "this build has no simulated CUDA driver for " + platform()
          : new String(reason.readAllBytes(), UTF_8).strip();
    }
  }

  private static @Nullable InputStream resource(String name) {
    return NativeLibraries.class.getResourceAsStream("/META-INF/native/" + platform() + "/" + name);
  }

  /** As {@code uname -m} has it. */
  private static String platform() {
    String architecture = System.getProperty("os.arch", "");
    return "linux-" + (architecture.equals("amd64") ? "x86_64" : architecture);
  }

  Path file(String name) {
    return directory.resolve(name);
  }

  @Override
  public void close() throws IOException {
    for (Path file : files) {
      Files.deleteIfExists(file);
    }
    Files.delete(directory);
  }
}
