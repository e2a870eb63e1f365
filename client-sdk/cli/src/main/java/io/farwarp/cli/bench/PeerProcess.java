package io.farwarp.cli.bench;

import io.farwarp.cli.JavaCommand;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A {@link BaselinePeer} as a child process with this JVM's own class path. */
final class PeerProcess implements AutoCloseable {
  private final Process process;
  private final Writer commands;
  private final BufferedReader answers;

  PeerProcess(String kind, String argument) throws IOException {
    process =
        new ProcessBuilder(JavaCommand.of(BaselinePeer.class, List.of(), List.of(kind, argument)))
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
