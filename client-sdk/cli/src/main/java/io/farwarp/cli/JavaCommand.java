package io.farwarp.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command line of another JVM like this one: same Java, same class path. */
public final class JavaCommand {
  private JavaCommand() {}

  /**
   * The command that runs {@code main}.
   *
   * @param options of the JVM, beyond those that all of ours need
   */
  public static List<String> of(Class<?> main, List<String> options, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("--sun-misc-unsafe-memory-access=allow"); // Guava's and gRPC's, without a warning
    command.addAll(options);
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    command.addAll(arguments);
    return command;
  }
}
