package io.farwarp.executor.worker;

import io.farwarp.executor.device.DeviceException;
import io.farwarp.rdma.linux.Libc;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.LoadFunction;
import io.farwarp.v1.StartWorker;
import io.farwarp.v1.StopWorker;
import io.farwarp.v1.WorkerCommand;
import io.farwarp.v1.WorkerEnding;
import io.farwarp.v1.WorkerEvent;
import io.farwarp.v1.WorkerStarted;
import io.farwarp.wire.Status;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The worker process. Takes commands from its agent on standard input and answers on standard
 * output ({@code worker.proto}); logs on standard error. It ends with its lease, on command, and at
 * once when standard input ends, because then the agent is gone.
 */
public final class WorkerMain {
  private static final Logger LOG = System.getLogger(WorkerMain.class.getName());

  /** Functions that wait to be loaded, at most. */
  private static final int MAX_WAITING_LOADS = 1024;

  private static final int STANDARD_OUTPUT = 1;
  private static final int STANDARD_ERROR = 2;

  private static final int EXIT_ENDED = 0;
  private static final int EXIT_FAILED = 1;
  private static final int EXIT_AGENT_GONE = 3;

  private final ControlChannel agent;
  private final ExecutorService loads =
      new ThreadPoolExecutor(
          1,
          1,
          0,
          TimeUnit.SECONDS,
          new ArrayBlockingQueue<>(MAX_WAITING_LOADS),
          Thread.ofPlatform().daemon().name("function-loader").factory());

  private WorkerMain(ControlChannel agent) {
    this.agent = agent;
  }

  /** Takes no arguments. */
  public static void main(String[] arguments) {
    int exit = EXIT_FAILED;
    try {
      ControlChannel agent =
          new ControlChannel(new FileInputStream(FileDescriptor.in), takeStandardOutput());
      exit = new WorkerMain(agent).run();
    } catch (IOException | RuntimeException | Error e) {
      LOG.log(Level.ERROR, "worker failed", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      // Nothing is left to clean up that the agent does not clean up; daemon threads may hang.
      Runtime.getRuntime().halt(exit);
    }
  }

  /**
   * What anything prints goes to the log from now on, also what the kernels of a tenant do, whose
   * output the driver writes: standard output belongs to the agent.
   */
  private static FileOutputStream takeStandardOutput() throws IOException {
    int channel = Libc.duplicate(STANDARD_OUTPUT);
    FileOutputStream out = new FileOutputStream("/proc/self/fd/" + channel);
    Libc.duplicateTo(STANDARD_ERROR, STANDARD_OUTPUT);
    Libc.close(channel);
    return out;
  }

  private int run() throws IOException, InterruptedException {
    WorkerCommand first = agent.readCommand();
    if (first == null) {
      return EXIT_AGENT_GONE;
    }
    if (!first.hasStart()) {
      throw new IOException("the first command is no StartWorker");
    }
    CompletableFuture<Worker> started = new CompletableFuture<>();
    Thread.ofPlatform().daemon().name("agent-commands").start(() -> obey(started));
    Worker worker = start(first.getStart());
    if (worker == null) {
      return EXIT_FAILED;
    }
    started.complete(worker);
    Ending why = worker.awaitEnd();
    LOG.log(Level.INFO, "worker ends: {0}: {1}", why.state(), why.reason());
    agent.write(
        WorkerEvent.newBuilder()
            .setEnding(WorkerEnding.newBuilder().setState(why.state()).setReason(why.reason()))
            .build());
    return why.state() == LeaseState.FAILED ? EXIT_FAILED : EXIT_ENDED;
  }

  private @Nullable Worker start(StartWorker order) throws IOException {
    try {
      Sandbox.enter(order.getLease().getWindowBytes());
      Worker worker = Worker.create(order);
      WorkerStarted started = worker.start();
      agent.write(WorkerEvent.newBuilder().setStarted(started).build());
      return worker;
    } catch (IOException e) {
      return cannotStart(e, false);
    } catch (DeviceException e) {
      // There may be memory enough for another lease, or later.
      return cannotStart(e, e.status() != Status.RESOURCE_EXHAUSTED);
    }
  }

  private @Nullable Worker cannotStart(Exception cause, boolean isDeviceFailed) throws IOException {
    LOG.log(Level.ERROR, "worker cannot start", cause);
    agent.write(
        WorkerEvent.newBuilder()
            .setStarted(
                WorkerStarted.newBuilder()
                    .setError(String.valueOf(cause.getMessage()))
                    .setDeviceFailed(isDeviceFailed))
            .build());
    return null;
  }

  private void obey(CompletableFuture<Worker> started) {
    try {
      WorkerCommand command = agent.readCommand();
      while (command != null) {
        obey(started.join(), command);
        command = agent.readCommand();
      }
    } catch (IOException | RuntimeException e) {
      LOG.log(Level.ERROR, "the agent's commands cannot be read", e);
    }
    Runtime.getRuntime().halt(EXIT_AGENT_GONE);
  }

  private void obey(Worker worker, WorkerCommand command) throws IOException {
    switch (command.getCommandCase()) {
      case LOAD -> load(worker, command.getLoad());
      case EXTEND -> worker.extend(command.getExtend());
      case STOP -> {
        StopWorker stop = command.getStop();
        worker.requestEnd(new Ending(stop.getState(), stop.getReason()));
      }
      case START, COMMAND_NOT_SET -> throw new IOException("unexpected command " + command);
    }
  }

  private void load(Worker worker, LoadFunction command) throws IOException {
    try {
      loads.execute(() -> {
        try {
          agent.write(WorkerEvent.newBuilder().setFunction(worker.load(command)).build());
        } catch (IOException e) {
          LOG.log(Level.ERROR, "the agent cannot be told of a function", e);
        }
      });
    } catch (RejectedExecutionException e) {
      throw new IOException("more than " + MAX_WAITING_LOADS + " functions wait to be loaded", e);
    }
  }
}
