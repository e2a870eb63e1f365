package io.farwarp.simcuda.agent;

import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code -javaagent:simcuda.jar[=CONFIGURATION]}: loads the simulated driver before the program
 * begins, so that whoever asks for {@code libcuda.so.1} or {@code libnvidia-ml.so.1} later gets the
 * simulated ones.
 *
 * <p>The simulator has a class loader of its own over its jar and the jars in {@code lib} beside
 * it: the program may hold other versions of the same classes.
 */
public final class SimulatorAgent {
  private static final String FILE = "farwarp.simcuda.file";
  private static final String DRIVER = "io.farwarp.simcuda.SimulatedDriver";

  private SimulatorAgent() {}

  /**
   * Called by the JVM; {@code configuration} as in the module's README, to which that of the file
   * in the property {@value #FILE} is added.
   */
  public static void premain(@Nullable String configuration)
      throws IOException, ReflectiveOperationException, URISyntaxException {
    Path jar =
        Path.of(SimulatorAgent.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    ClassLoader loader =
        new URLClassLoader(
            "simcuda", classPath(jar).toArray(new URL[0]), ClassLoader.getPlatformClassLoader());
    Method install = loader.loadClass(DRIVER).getMethod("install", String.class);
    install.invoke(null, (configuration == null ? "" : configuration) + fromFile());
  }

  /** What a test has changed since it started the parent of this process. */
  private static String fromFile() throws IOException {
    String file = System.getProperty(FILE);
    String more = file == null ? "" : Files.readString(Path.of(file)).strip();
    return more.isEmpty() ? "" : "," + more;
  }

  private static List<URL> classPath(Path jar) throws IOException {
    List<URL> urls = new ArrayList<>();
    urls.add(jar.toUri().toURL());
    Path library = jar.resolveSibling("lib");
    if (Files.isDirectory(library)) {
      try (DirectoryStream<Path> jars = Files.newDirectoryStream(library, "*.jar")) {
        for (Path file : jars) {
          urls.add(file.toUri().toURL());
        }
      }
    }
    return urls;
  }
}
