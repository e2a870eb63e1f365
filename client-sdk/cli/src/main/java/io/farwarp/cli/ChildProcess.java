package io.farwarp.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Another {@code farwarp} command in a process of its own, with the same Java and class path. It
 * ends with this process, even if this process is killed.
 */
public final class ChildProcess implements AutoCloseable {
  private static final Duration TERMINATE_LIMIT = Duration.ofSeconds(15);
  private static final String READY = " ready ";

  private static final Set<ChildProcess> RUNNING = ConcurrentHashMap.newKeySet();

  /** Whether this process ends its children before itself; no hook can be added as it ends. */
  private static final AtomicBoolean ENDED_BY_HOOK = new AtomicBoolean();

  private final String name;
  private final Process process;
  private final Duration patience;
  private final CompletableFuture<String> ready = new CompletableFuture<>();
  private volatile String lastLine = "it said nothing";

  private ChildProcess(String name, Process process, Duration patience) {
    this.name = name;
    this.process = process;
    this.patience = patience;
  }

  /**
   * Starts {@code farwarp ARGUMENTS}.
   *
   * @param log takes each line of its output, on a thread of its own
   * @param patience how long it may go on with its work when it is told to end
   */
  public static ChildProcess start(
      Consumer<String> log, Duration patience, List<String> arguments) {
    List<String> command =
        JavaCommand.of(
            Main.class,
            List.of("-XX:+ExitOnOutOfMemoryError", "-D" + ParentWatch.PROPERTY + "=true"),
            arguments);
    try {
      // Its standard input stays open and empty: its end is what tells the child to end.
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      ChildProcess child = new ChildProcess(arguments.getFirst(), process, patience);
      RUNNING.add(child);
      if (ENDED_BY_HOOK.compareAndSet(false, true)) {
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(ChildProcess::closeAll));
      }
      Thread.ofPlatform().daemon().name("farwarp-log-" + child.name).start(() -> child.read(log));
      return child;
    } catch (IOException e) {
      throw new CommandException("cannot start farwarp " + arguments.getFirst() + ": " + e, e);
    }
  }

  private void read(Consumer<String> log) {
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      String line;
      while ((line = lines.readLine()) != null) {
        if (!line.isBlank()) {
          lastLine = line;
        }
        if (line.startsWith(name + READY)) {
          ready.complete(line.substring(name.length() + READY.length()));
        }
        log.accept(line);
      }
    } catch (IOException e) {
      lastLine = "its output broke off: " + e.getMessage();
    }
    ready.completeExceptionally(new IOException(lastLine));
  }

  /** Waits until it says that it is ready, and returns what it says of that. */
  public String awaitReady(Duration limit) {
    try {
      return ready.get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw new CommandException("the " + name + " did not start: " + lastLine, e.getCause());
    } catch (TimeoutException e) {
      throw new CommandException(
          "the %s was not ready within %s; its last word: %s".formatted(name, limit, lastLine), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandException("interrupted while the " + name + " started", e);
    }
  }

  public long pid() {
    return process.pid();
  }

  /** Completes when it has ended, with what it said last. */
  public CompletableFuture<String> ended() {
    return process
        .onExit()
        .thenApply(p -> "the %s ended with code %d: %s".formatted(name, p.exitValue(), lastLine));
  }

  /** Asks it to end; a second time: at once. */
  void terminate() {
    // Not Process.destroy: it also closes the child's standard input, whose end means "at once".
    var _ = process.toHandle().destroy();
  }

  /** Ends every child of this process, the one that was started last first. */
  public static void closeAll() {
    RUNNING.stream()
        .sorted(Comparator.comparingLong(ChildProcess::pid).reversed())
        .forEach(ChildProcess::close);
  }

  /** Asks it to end, waits, and kills it if that takes too long. */
  @Override
  public void close() {
    terminate();
    try {
      if (!process.waitFor(patience.plus(TERMINATE_LIMIT))) {
        var _ = process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    RUNNING.remove(this);
  }
}
