package io.farwarp.executor.agent;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How the JVM of a worker is set up. */
public final class WorkerJvm {
  /** Holds further options of these JVMs, separated by blanks; for debugging and tests. */
  private static final String OPTIONS_VARIABLE = "FARWARP_WORKER_JAVA_OPTIONS";

  private WorkerJvm() {}

  /** The options that decide how fast kernels load and run. */
  public static List<String> options() {
    return List.of(
        "-Xmx" + HostMemory.HEAP_BYTES,
        "-XX:+UseG1GC",
        "-XX:-UsePerfData",
        "-Xshare:auto",
        "-XX:-DontCompileHugeMethods",
        // A kernel's bounds checks, hoisted by profile, failed again and again on real data: C2
        // recompiled a kernel for as long as it ran, at a quarter of its speed (seen with
        // -Xlog:deoptimization=debug, reason profile_predicate).
        "-XX:-UseProfiledLoopPredicate");
  }

  /**
   * What starts a JVM like this one for a program of the executor's.
   *
   * @param temporary for its temporary files, and its own only
   */
  public static List<String> command(Path temporary, List<String> options, Class<?> main) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(
        List.of(
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:-CreateCoredumpOnCrash",
            "-XX:ErrorFile=" + temporary.resolve("hs_err.log"),
            "-Djava.io.tmpdir=" + temporary,
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow")); // Guava's and the decompressor's
    command.addAll(furtherOptions());
    command.addAll(List.of("-cp", absoluteClassPath(), main.getName()));
    return command;
  }

  private static List<String> furtherOptions() {
    String set = System.getenv(OPTIONS_VARIABLE);
    return set == null || set.isBlank() ? List.of() : List.of(set.strip().split("\\s+"));
  }

  private static String absoluteClassPath() {
    StringBuilder absolute = new StringBuilder();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      absolute
          .append(absolute.isEmpty() ? "" : File.pathSeparator)
          .append(Path.of(entry).toAbsolutePath());
    }
    return absolute.toString();
  }
}
