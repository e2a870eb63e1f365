package io.farwarp.cli.bench;

import io.farwarp.cli.JavaCommand;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/** The other process of a baseline, which is told by lines what to do and answers in lines. */
public final class PeerProcess implements AutoCloseable {
  /** For one line: what a turn takes on a slow host, and much more. */
  private static final long LINE_LIMIT_S = 300;

  private static final long END_LIMIT_S = 5;
  private static final int MOST_UNREAD = 64;

  private final String name;
  private final Process process;
  private final Writer commands;

  /** Its lines, and after the last one nothing. */
  private final BlockingQueue<Optional<String>> answers = new ArrayBlockingQueue<>(MOST_UNREAD);

  /** A {@link BaselinePeer} with this JVM's own class path. */
  PeerProcess(String kind, String argument) throws IOException {
    this(kind, JavaCommand.of(BaselinePeer.class, List.of(), List.of(kind, argument)));
  }

  /**
   * @param name for messages
   */
  public PeerProcess(String name, List<String> command) throws IOException {
    this.name = name;
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    commands = process.outputWriter(StandardCharsets.US_ASCII);
    Thread.ofPlatform().daemon().name("farwarp-baseline-" + name).start(this::read);
  }

  private void read() {
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        answers.put(Optional.of(line));
      }
    } catch (IOException closed) {
      // As good as its end.
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return;
    }
    while (!answers.offer(Optional.empty())) {
      var _ = answers.poll();
    }
  }

  /** Its next line. */
  public String line() throws IOException {
    try {
      Optional<String> line = answers.poll(LINE_LIMIT_S, TimeUnit.SECONDS);
      if (line == null) {
        throw new IOException(
            "the baseline %s said nothing for %d s".formatted(name, LINE_LIMIT_S));
      }
      return line.orElseThrow(
          () -> new IOException("the baseline " + name + " ended before it answered"));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", interrupted);
    }
  }

  /** Lets a {@link BaselinePeer} work until the next message that says LAST. */
  void run() throws IOException {
    tell("run");
  }

  void tell(String command) throws IOException {
    commands.write(command);
    commands.write('\n');
    commands.flush();
  }

  /** Ends its input, after which it ends by itself; kills it if it does not. */
  @Override
  public void close() throws IOException {
    try {
      commands.close();
    } finally {
      awaitEnd();
    }
  }

  private void awaitEnd() {
    try {
      if (!process.waitFor(END_LIMIT_S, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException interrupted) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
