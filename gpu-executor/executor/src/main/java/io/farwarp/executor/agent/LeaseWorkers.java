package io.farwarp.executor.agent;

import io.farwarp.v1.ExtendLease;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.LeaseFunction;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.LoadFunction;
import io.farwarp.v1.PrepareLease;
import io.farwarp.v1.StopWorker;
import io.farwarp.v1.WorkerCommand;
import io.farwarp.v1.WorkerEndpoint;
import io.farwarp.v1.WorkerEvent;
import io.farwarp.v1.WorkerStarted;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One lease on this host: its workers, from the order to prepare them until the last is gone. Used
 * by the agent's thread only; time is a parameter.
 */
final class LeaseWorkers {
  private static final Logger LOG = System.getLogger(LeaseWorkers.class.getName());

  /** A worker that has not ended this long after it was told to is killed. */
  static final long STOP_GRACE_NS = TimeUnit.SECONDS.toNanos(1);

  /** Workers end by themselves at the deadline; the agent sees to it this much later. */
  static final long EXPIRY_GRACE_NS = TimeUnit.MILLISECONDS.toNanos(500);

  /** A JVM's start on a busy host, and a second for each GiB of window to back. */
  private static final long START_LIMIT_NS = TimeUnit.SECONDS.toNanos(60);

  private static final long LOAD_LIMIT_NS = TimeUnit.SECONDS.toNanos(60);

  /** Where a lease is on its way. */
  enum Stage {
    STARTING,
    LOADING,
    READY,
    ENDING,
    GONE
  }

  /** What the lease tells the agent. */
  interface Outcome {
    void prepared(LeaseWorkers lease, LeasePrepared message);

    void functionPrepared(LeaseWorkers lease, FunctionPrepared message);

    /** A worker could not use its device, whatever the lease asked of it. */
    void deviceFailed(LeaseWorkers lease, String reason);

    /** Every process is gone and everything freed. */
    void gone(LeaseWorkers lease);
  }

  private final PrepareLease order;
  private final Outcome outcome;
  private final List<WorkerProcess> workers = new ArrayList<>();
  private final List<@Nullable WorkerStarted> started = new ArrayList<>();
  private final Map<Integer, FunctionLoads> loads = new HashMap<>();
  private final long prepareDeadlineNs;
  private Stage stage = Stage.STARTING;
  private long deadlineNs;
  private long killNs;
  private int exited;
  private boolean confirmed;
  private LeaseState endState = LeaseState.FAILED;
  private String endReason = "";
  private @Nullable String prepareError;
  private Status prepareStatus = Status.WORKER_LOST;
  private @Nullable LeasePrepared prepared;

  /** What the workers of a lease have said of one function. */
  private static final class FunctionLoads {
    final boolean isPartOfPrepare;

    /** The package, for as long as workers have to read it; null: there is none. */
    final @Nullable Path file;

    int answers;
    FunctionPrepared sum;

    FunctionLoads(boolean isPartOfPrepare, @Nullable Path file, FunctionPrepared empty) {
      this.isPartOfPrepare = isPartOfPrepare;
      this.file = file;
      this.sum = empty;
    }

    boolean isComplete(int workers) {
      return answers >= workers;
    }

    void removeFile() {
      try {
        if (file != null) {
          Files.deleteIfExists(file);
        }
      } catch (IOException e) {
        LOG.log(Level.WARNING, "a package stays until the agent ends", e);
      }
    }
  }

  LeaseWorkers(PrepareLease order, Outcome outcome, long nowNs) {
    this.order = order;
    this.outcome = outcome;
    this.deadlineNs = nowNs + TimeUnit.MILLISECONDS.toNanos(order.getTtlMs());
    long backingNs = (order.getWindowBytes() >> 30) * TimeUnit.SECONDS.toNanos(1);
    this.prepareDeadlineNs = nowNs + START_LIMIT_NS + order.getWorkers() * backingNs;
  }

  PrepareLease order() {
    return order;
  }

  String id() {
    return order.getLeaseId();
  }

  Stage stage() {
    return stage;
  }

  long windowBytes() {
    return Math.multiplyExact(order.getWindowBytes(), (long) order.getWorkers());
  }

  long leftMs(long nowNs) {
    return Math.max(0, TimeUnit.NANOSECONDS.toMillis(deadlineNs - nowNs));
  }

  LeaseState endState() {
    return endState;
  }

  String endReason() {
    return endReason;
  }

  /** Set if preparing it failed: the answer to PrepareLease, once it is gone. */
  @Nullable String prepareError() {
    return prepareError;
  }

  /** What kind of failure {@link #prepareError} is. */
  Status prepareStatus() {
    return prepareStatus;
  }

  /** The answer to PrepareLease, while the gateway has not shown that it has it. */
  @Nullable LeasePrepared unconfirmed() {
    return confirmed || stage != Stage.READY ? null : prepared;
  }

  /** Its processes, in order; all of them are added before any event is handed in. */
  void add(WorkerProcess worker) {
    workers.add(worker);
    started.add(null);
  }

  /**
   * A function's package is on disk: to be loaded by every worker, and then removed. While an
   * earlier order of it runs, that one's answer will serve both.
   */
  void load(LeaseFunction function, Path file, boolean isPartOfPrepare) {
    int id = function.getFunctionId();
    FunctionLoads load =
        new FunctionLoads(
            isPartOfPrepare,
            file,
            FunctionPrepared.newBuilder().setLeaseId(id()).setFunctionId(id).build());
    if (stage == Stage.ENDING || stage == Stage.GONE || isLoading(id)) {
      load.removeFile();
      return;
    }
    loads.put(id, load);
    // A manifest may be large, and the worker reads it from the package.
    LeaseFunction slim =
        function.toBuilder().setVersion(function.getVersion().toBuilder().clearManifest()).build();
    sendAll(
        WorkerCommand.newBuilder()
            .setLoad(LoadFunction.newBuilder().setFunction(slim).setPackagePath(file.toString()))
            .build());
  }

  private boolean isLoading(int functionId) {
    FunctionLoads load = loads.get(functionId);
    return load != null && !load.isComplete(workers.size());
  }

  private void sendAll(WorkerCommand command) {
    workers.forEach(worker -> worker.send(command));
  }

  /** Sets the deadline. */
  void extend(ExtendLease extend, long nowNs) {
    confirmed = true;
    deadlineNs = nowNs + TimeUnit.MILLISECONDS.toNanos(extend.getTtlMs());
    sendAll(WorkerCommand.newBuilder().setExtend(extend).build());
  }

  /** Something that a worker's process says. */
  void event(int index, WorkerEvent event, long nowNs) {
    switch (event.getEventCase()) {
      case STARTED -> workerStarted(index, event.getStarted(), nowNs);
      case FUNCTION -> functionLoaded(event.getFunction(), nowNs);
      case ENDING -> end(event.getEnding().getState(), event.getEnding().getReason(), nowNs);
      case EVENT_NOT_SET -> end(LeaseState.FAILED, "worker " + index + " says nothing", nowNs);
    }
  }

  private void workerStarted(int index, WorkerStarted message, long nowNs) {
    if (stage != Stage.STARTING) {
      return;
    }
    if (!message.getError().isEmpty()) {
      prepareStatus = Status.RESOURCE_EXHAUSTED;
      if (message.getDeviceFailed()) {
        outcome.deviceFailed(this, message.getError());
      }
      failPreparing("worker %d: %s".formatted(index, message.getError()), nowNs);
      return;
    }
    started.set(index, message);
    // The worker's clock started with its process; now it learns what is left.
    workers
        .get(index)
        .send(
            WorkerCommand.newBuilder()
                .setExtend(
                    ExtendLease.newBuilder()
                        .setLeaseId(id())
                        .setTtlMs(leftMs(nowNs))
                        .setExpiresAtUnixMs(order.getIssuedAtUnixMs() + order.getTtlMs()))
                .build());
    if (!started.contains(null)) {
      stage = Stage.LOADING;
      finishLoading();
    }
  }

  /**
   * The package of a function cannot be had; no matter while workers load it from another order's.
   */
  void functionFailed(
      LeaseFunction function, boolean isPartOfPrepare, Status status, String error) {
    if (isLoading(function.getFunctionId())) {
      return;
    }
    FunctionPrepared failed =
        FunctionPrepared.newBuilder()
            .setLeaseId(id())
            .setFunctionId(function.getFunctionId())
            .setStatus(status.name())
            .setError(error)
            .build();
    FunctionLoads load = new FunctionLoads(isPartOfPrepare, null, failed);
    load.answers = workers.size();
    loads.put(function.getFunctionId(), load);
    loaded(load);
  }

  private void functionLoaded(FunctionPrepared one, long nowNs) {
    FunctionLoads load = loads.get(one.getFunctionId());
    if (load == null) {
      end(LeaseState.FAILED, "a worker loaded a function that was not ordered", nowNs);
      return;
    }
    FunctionPrepared sum = load.sum;
    load.answers++;
    load.sum =
        sum.toBuilder()
            .setError(sum.getError().isEmpty() ? one.getError() : sum.getError())
            .setStatus(sum.getStatus().isEmpty() ? one.getStatus() : sum.getStatus())
            .setLoadMs(Math.max(sum.getLoadMs(), one.getLoadMs()))
            .setWarmMs(Math.max(sum.getWarmMs(), one.getWarmMs()))
            .build();
    loaded(load);
  }

  private void loaded(FunctionLoads load) {
    if (!load.isComplete(workers.size())) {
      return;
    }
    load.removeFile();
    if (load.isPartOfPrepare) {
      finishLoading();
    } else {
      loads.remove(load.sum.getFunctionId());
      outcome.functionPrepared(this, load.sum);
    }
  }

  private void finishLoading() {
    List<FunctionPrepared> functions = new ArrayList<>();
    for (LeaseFunction function : order.getFunctionsList()) {
      FunctionLoads load = loads.get(function.getFunctionId());
      if (load == null || !load.isComplete(workers.size())) {
        return;
      }
      functions.add(load.sum);
    }
    if (stage != Stage.LOADING) {
      return;
    }
    stage = Stage.READY;
    LeasePrepared.Builder message =
        LeasePrepared.newBuilder().setLeaseId(id()).addAllFunctions(functions);
    for (int i = 0; i < workers.size(); i++) {
      WorkerStarted worker = started.get(i);
      if (worker != null) {
        message.addWorkers(
            WorkerEndpoint.newBuilder()
                .setWorkerIndex(i)
                .addAllAddresses(worker.getAddressesList()));
      }
    }
    prepared = message.build();
    outcome.prepared(this, message.build());
  }

  /** The lease could not be prepared: it ends, and the answer is {@code error}. */
  void failPreparing(String error, long nowNs) {
    if (stage == Stage.STARTING || stage == Stage.LOADING) {
      prepareError = error;
      end(LeaseState.FAILED, error, nowNs);
    }
  }

  /** A worker's process is gone. */
  void workerExited(int index, String how, long nowNs) {
    exited++;
    if (stage == Stage.STARTING || stage == Stage.LOADING) {
      failPreparing("worker %d died: %s".formatted(index, how), nowNs);
    } else if (stage == Stage.READY) {
      end(LeaseState.FAILED, "worker %d died: %s".formatted(index, how), nowNs);
    }
    checkGone();
  }

  /** Ends the lease: its workers tell their clients and go. The first reason counts. */
  void end(LeaseState state, String reason, long nowNs) {
    if (stage == Stage.ENDING || stage == Stage.GONE) {
      return;
    }
    if (stage != Stage.READY && prepareError == null) {
      prepareError = reason;
    }
    stage = Stage.ENDING;
    endState = state;
    endReason = reason;
    killNs = nowNs + STOP_GRACE_NS;
    sendAll(
        WorkerCommand.newBuilder()
            .setStop(StopWorker.newBuilder().setState(state).setReason(reason))
            .build());
    checkGone();
  }

  private void checkGone() {
    if (stage == Stage.ENDING && exited == workers.size()) {
      stage = Stage.GONE;
      workers.forEach(WorkerProcess::release);
      loads.values().forEach(FunctionLoads::removeFile);
      outcome.gone(this);
    }
  }

  /** Enforces deadlines; to be called every 100 ms or so. */
  void tick(long nowNs) {
    switch (stage) {
      case STARTING -> {
        if (nowNs - prepareDeadlineNs >= 0) {
          failPreparing("a worker did not start in time", nowNs);
        }
      }
      case LOADING -> {
        if (nowNs - prepareDeadlineNs - LOAD_LIMIT_NS >= 0) {
          failPreparing("functions were not loaded in time", nowNs);
        }
      }
      case READY -> {}
      case ENDING -> {
        if (nowNs - killNs >= 0) {
          workers.forEach(WorkerProcess::kill);
        }
      }
      case GONE -> {
        return;
      }
    }
    if (nowNs - deadlineNs - EXPIRY_GRACE_NS >= 0) {
      end(LeaseState.EXPIRED, "the lease's time is over", nowNs);
    }
  }
}
