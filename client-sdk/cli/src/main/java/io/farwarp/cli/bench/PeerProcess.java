package io.farwarp.cli.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A {@link BaselinePeer} as a child process with this JVM's own class path. */
final class PeerProcess implements AutoCloseable {
  private final Process process;
  private final Writer commands;
  private final BufferedReader answers;

  PeerProcess(String kind, String argument) throws IOException {
    process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                BaselinePeer.class.getName(),
                kind,
                argument)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    commands = process.outputWriter();
    answers = process.inputReader();
  }

  /** The line that says where the peer listens, or that it is there. */
  String ready() throws IOException {
    String line = answers.readLine();
    if (line == null) {
      throw new IOException("the baseline's peer process ended at its start");
    }
    return line;
  }

  /** Lets the peer work until the next message that says LAST. */
  void run() throws IOException {
    commands.write("run\n");
    commands.flush();
  }

  @Override
  public void close() throws IOException {
    commands.close();
    try {
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException interrupted) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
