package io.farwarp.rdma.verbs;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * libdisni.so out of this jar, in a directory that only this user may enter. Once the library is
 * loaded the file is needed no more, and {@link #close} removes it.
 */
final class NativeLibrary implements AutoCloseable {
  private static final String DIRECTORY = "/META-INF/native/";
  private static final String FILE = "libdisni.so";

  private final Path file;

  private NativeLibrary(Path file) {
    this.file = file;
  }

  /** Throws with what this installation lacks. */
  static NativeLibrary unpack() throws IOException {
    String platform = "linux-" + architecture();
    try (InputStream library = resource(platform, FILE)) {
      if (library == null) {
        throw new IOException(whyMissing(platform));
      }
      Path file = Files.createTempDirectory("farwarp-native-").resolve(FILE);
      NativeLibrary unpacked = new NativeLibrary(file);
      try {
        Files.copy(library, file);
      } catch (IOException e) {
        unpacked.close();
        throw e;
      }
      return unpacked;
    }
  }

  private static String whyMissing(String platform) throws IOException {
    try (InputStream reason = resource(platform, "missing")) {
      return reason == null
          ? "this build has no libdisni for " + platform
          : new String(reason.readAllBytes(), UTF_8).strip();
    }
  }

  private static InputStream resource(String platform, String name) {
    return NativeLibrary.class.getResourceAsStream(DIRECTORY + platform + "/" + name);
  }

  /** As {@code uname -m} has it. */
  private static String architecture() {
    String architecture = System.getProperty("os.arch", "");
    return architecture.equals("amd64") ? "x86_64" : architecture;
  }

  Path file() {
    return file;
  }

  @Override
  public void close() throws IOException {
    Files.deleteIfExists(file);
    Files.delete(file.getParent());
  }
}
