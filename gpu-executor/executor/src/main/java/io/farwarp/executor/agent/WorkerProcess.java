package io.farwarp.executor.agent;

import io.farwarp.executor.worker.ControlChannel;
import io.farwarp.executor.worker.WorkerMain;
import io.farwarp.rdma.linux.Libc;
import io.farwarp.rdma.linux.SharedMemory;
import io.farwarp.v1.StartWorker;
import io.farwarp.v1.WorkerCommand;
import io.farwarp.v1.WorkerEvent;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/**
 * A worker process with what the agent holds for it: the window's memory, its directory, its pipes.
 * Events come on threads of its own, one at a time; {@link Events#exited} is the last one.
 */
final class WorkerProcess {
  private static final Logger LOG = System.getLogger(WorkerProcess.class.getName());
  private static final int MAX_WAITING_COMMANDS = 256;

  /** What a worker process does. */
  interface Events {
    void event(WorkerEvent event);

    /** The process is gone. {@code lastLines} of its log, for people. */
    void exited(int exitCode, String lastLines);
  }

  private final String name;
  private final Path directory;
  private final SharedMemory window;
  private final Process process;
  private final WorkerCgroup cgroup;
  private final ControlChannel channel;
  private final Events events;
  private final BlockingQueue<WorkerCommand> commands =
      new ArrayBlockingQueue<>(MAX_WAITING_COMMANDS);
  private final LogTail lastLines = new LogTail();

  private WorkerProcess(
      String name, Path directory, SharedMemory window, Process process, Events events) {
    this.name = name;
    this.directory = directory;
    this.window = window;
    this.process = process;
    this.events = events;
    this.cgroup =
        WorkerCgroup.enter(
            process.pid(),
            HostMemory.workerBytes(window.sizeBytes()),
            WorkerCgroup.ROOT,
            WorkerCgroup.SELF);
    this.channel = new ControlChannel(process.getInputStream(), process.getOutputStream());
  }

  /**
   * Makes the window and starts a process for it.
   *
   * @param name for the log
   * @param order everything but the window's and the directory's path
   * @param environment what the worker's device wants to find there
   */
  static WorkerProcess start(
      String name,
      StartWorker order,
      Map<String, String> environment,
      Path directory,
      Events events)
      throws IOException {
    SharedMemory window = SharedMemory.create("farwarp-window", order.getLease().getWindowBytes());
    Process process = null;
    try {
      Path temporary = Files.createDirectory(directory.resolve("tmp"));
      ProcessBuilder builder =
          new ProcessBuilder(WorkerJvm.command(temporary, WorkerJvm.options(), WorkerMain.class));
      // Nothing of the agent's environment is a worker's business.
      builder.environment().clear();
      builder.environment().put("LANG", "C.UTF-8");
      builder.environment().putAll(environment);
      builder.directory(directory.toFile());
      process = startUnprivileged(builder);
      WorkerProcess worker = new WorkerProcess(name, directory, window, process, events);
      worker.begin(
          order.toBuilder()
              .setWindowPath(window.path())
              .setDirectory(directory.toString())
              .build());
      return worker;
    } catch (IOException | RuntimeException | Error e) {
      if (process != null) {
        process.destroyForcibly();
      }
      window.close();
      throw e;
    }
  }

  /**
   * The child inherits no_new_privs from the thread that starts it, and every thread of its JVM
   * from the first one; so a thread is made that has it, and goes again.
   */
  private static Process startUnprivileged(ProcessBuilder builder) throws IOException {
    CompletableFuture<Process> started = new CompletableFuture<>();
    try {
      Thread.ofPlatform()
          .name("worker-start")
          .start(() -> {
            try {
              Libc.prctl(Libc.PR_SET_NO_NEW_PRIVS, 1);
              started.complete(builder.start());
            } catch (IOException | RuntimeException | Error e) {
              started.completeExceptionally(e); // whatever it is: the agent's loop waits for it
            }
          });
      return started.join();
    } catch (CompletionException e) {
      throw new IOException("the process cannot be started: " + e.getCause(), e);
    } catch (OutOfMemoryError e) {
      throw new IOException("the process cannot be started: this host has no thread to give", e);
    }
  }

  private void begin(StartWorker order) {
    send(WorkerCommand.newBuilder().setStart(order).build());
    Thread.ofVirtual().name(name + " log").start(this::readLog);
    Thread.ofVirtual().name(name + " events").start(this::readEvents);
    Thread.ofVirtual().name(name + " commands").start(this::writeCommands);
  }

  /** Sends a command when those before it are taken; a worker that takes none is killed. */
  void send(WorkerCommand command) {
    if (!commands.offer(command)) {
      LOG.log(Level.ERROR, "{0} takes no commands: killed", name);
      kill();
    }
  }

  /** Ends the process now. */
  void kill() {
    process.destroyForcibly();
  }

  long windowBytes() {
    return window.sizeBytes();
  }

  private void writeCommands() {
    try {
      while (process.isAlive()) {
        WorkerCommand command = commands.poll(1, TimeUnit.SECONDS);
        if (command != null) {
          channel.write(command);
        }
      }
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "{0} is gone: {1}", name, e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void readEvents() {
    try {
      WorkerEvent event = channel.readEvent();
      while (event != null) {
        events.event(event);
        event = channel.readEvent();
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "{0}: {1}", name, e.toString());
      kill();
    }
    events.exited(exitCode(), lastLines.last());
  }

  private int exitCode() {
    boolean interrupted = false;
    while (true) {
      try {
        int code = process.waitFor();
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
        return code;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
  }

  private void readLog() {
    try (BufferedReader log = process.errorReader(StandardCharsets.UTF_8)) {
      lastLines.read(log, line -> LOG.log(Level.DEBUG, "{0}: {1}", name, line));
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "{0}: its log ends: {1}", name, e.toString());
    }
  }

  /**
   * After the process is gone: frees the window's pages, wherever they are still mapped, and all
   * else.
   */
  void release() {
    try {
      window.punch();
    } catch (IOException e) {
      LOG.log(Level.ERROR, name + ": its window's pages cannot be freed", e);
    }
    window.close();
    cgroup.remove();
    try {
      RunDirectory.removeTree(directory);
    } catch (IOException e) {
      LOG.log(Level.ERROR, name + ": its directory cannot be removed", e);
    }
  }

  /** What an exit code says, for people. */
  static String exitText(int exitCode) {
    return exitCode > 128 ? "killed by signal " + (exitCode - 128) : "exit code " + exitCode;
  }

  @Override
  public String toString() {
    return name;
  }
}
