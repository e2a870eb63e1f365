package io.farwarp.executor.agent;

import com.google.protobuf.ByteString;
import io.farwarp.rdma.linux.HostId;
import io.farwarp.v1.AgentMessage;
import io.farwarp.v1.AgentWelcome;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.ExtendLease;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.GatewayMessage;
import io.farwarp.v1.LeaseFunction;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.PrepareLease;
import io.farwarp.v1.RevokeLease;
import io.farwarp.v1.StartWorker;
import io.farwarp.wire.Status;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * An executor host's agent. One thread, the loop, owns all state; gRPC, the workers' processes and
 * fetches hand their news to it.
 *
 * <p>A gateway that is away changes nothing for leases that run: their deadlines are kept by this
 * host's monotonic clock, and what ended meanwhile is told when it is back.
 */
public final class Agent implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Agent.class.getName());
  private static final int MAX_WORKERS_PER_LEASE = 64;
  private static final long CLOSE_LIMIT_S = 10;

  private final AgentOptions options;
  private final AgentLoop loop = new AgentLoop(this::tick);
  private final Map<String, LeaseWorkers> leases = new LinkedHashMap<>();
  private final CompletableFuture<Void> attached = new CompletableFuture<>();
  private final CompletableFuture<Void> drained = new CompletableFuture<>();
  private final ManagedChannel channel;
  private final GatewayLink link;
  private final GatewayReports reports;
  private final PackageCache packages;
  private final DeviceHealth health;
  private final PackageFetches fetches = new PackageFetches();
  private final RunDirectory runDirectory;
  private ByteString tokenPublicKey = ByteString.EMPTY;
  private long heartbeatNs = TimeUnit.SECONDS.toNanos(1);
  private long nextHeartbeatNs;
  private boolean isDraining;
  private long drainEndNs;
  private boolean isClosed;

  private Agent(AgentOptions options, RunDirectory runDirectory, ManagedChannel channel) {
    this.options = options;
    this.runDirectory = runDirectory;
    this.channel = channel;
    this.link = new GatewayLink(channel, loop::execute, new Peer());
    this.reports = new GatewayReports(options, link);
    this.health = new DeviceHealth(new DeviceChecks(loop::execute, reports));
    this.packages =
        new PackageCache(
            options.dataDirectory().resolve("packages"), channel, PackageCache.DEFAULT_BYTES);
  }

  /** Makes its directory, removes those of agents that died, and begins to attach. */
  public static Agent start(AgentOptions options) throws IOException {
    ManagedChannel channel = GatewayChannel.open(options);
    try {
      Agent agent = new Agent(options, RunDirectory.create(options.dataDirectory()), channel);
      agent.loop.execute(agent.link::attach);
      agent.loop.start();
      agent.fetches.start();
      return agent;
    } catch (IOException e) {
      channel.shutdownNow();
      throw e;
    }
  }

  /** Completes when the gateway has welcomed this agent; exceptionally if it never will. */
  public CompletableFuture<Void> attached() {
    return attached;
  }

  /**
   * Takes no new lease from now on, and ends what still runs when {@code limit} has passed. A
   * second call can only bring that nearer. Any thread.
   */
  public void drain(Duration limit) {
    loop.execute(() -> startDraining(limit, System.nanoTime()));
  }

  /** Completes, after {@link #drain}, when no lease is left. */
  public CompletableFuture<Void> drained() {
    return drained;
  }

  private void startDraining(Duration limit, long nowNs) {
    long endNs = nowNs + limit.toNanos();
    if (isDraining && endNs - drainEndNs >= 0) {
      return;
    }
    LOG.log(Level.INFO, "draining: {0} leases have {1} to end", leases.size(), limit);
    isDraining = true;
    drainEndNs = endNs;
    reports.draining();
    tick();
  }

  private final class Peer implements GatewayLink.Peer {
    @Override
    public AgentMessage.Builder hello() {
      reports.detached();
      return reports.hello(leases.values(), health, System.nanoTime());
    }

    @Override
    public void message(GatewayMessage message) {
      long nowNs = System.nanoTime();
      switch (message.getMessageCase()) {
        case WELCOME -> welcome(message.getWelcome(), nowNs);
        case PREPARE_LEASE -> prepare(message.getPrepareLease(), nowNs);
        case PREPARE_FUNCTION -> {
          LeaseWorkers lease = leases.get(message.getPrepareFunction().getLeaseId());
          if (lease != null) {
            loadFunction(lease, message.getPrepareFunction().getFunction(), false);
          } else {
            refuseFunction(
                message.getPrepareFunction().getLeaseId(),
                message.getPrepareFunction().getFunction());
          }
        }
        case EXTEND -> extend(message.getExtend(), nowNs);
        case REVOKE -> revoke(message.getRevoke(), nowNs);
        case MESSAGE_NOT_SET ->
            LOG.log(Level.WARNING, "the gateway sent a message that this version does not know");
      }
    }

    @Override
    public void detached() {
      reports.detached();
    }

    @Override
    public void refused(io.grpc.Status status) {
      attached.completeExceptionally(
          new IOException(
              "the gateway at %s:%d refuses this agent: %s"
                  .formatted(
                      options.gatewayHost(), options.gatewayPort(), status.getDescription())));
    }
  }

  private void welcome(AgentWelcome welcome, long nowNs) {
    tokenPublicKey = welcome.getTokenPublicKey();
    heartbeatNs = TimeUnit.MILLISECONDS.toNanos(Math.clamp(welcome.getHeartbeatMs(), 10, 60_000));
    nextHeartbeatNs = nowNs + heartbeatNs;
    for (String id : welcome.getEndLeasesList()) {
      LeaseWorkers lease = leases.get(id);
      if (lease != null) {
        lease.end(LeaseState.REVOKED, "the gateway does not know the lease", nowNs);
      } else {
        reports.leaseEnded(id, LeaseState.REVOKED, "this agent does not hold it");
      }
    }
    reports.welcomed();
    leases.values().forEach(reports::leasePreparedIfUnconfirmed);
    LOG.log(
        Level.INFO,
        "attached to {0}:{1}",
        options.gatewayHost(),
        Integer.toString(options.gatewayPort()));
    if (isDraining) {
      reports.draining(); // a new stream begins as one of an agent that takes leases
    }
    attached.complete(null);
  }

  private void prepare(PrepareLease order, long nowNs) {
    LeaseWorkers known = leases.get(order.getLeaseId());
    if (known != null) {
      reports.leasePreparedIfUnconfirmed(known);
      return;
    }
    AgentDevice device = device(order.getDeviceId());
    String refusal =
        isDraining
            ? "the executor is draining"
            : AdmissionCheck.refusal(
                order,
                options,
                usedBytes(),
                workers(),
                device,
                device == null ? 0 : usedBytes(device),
                usedShareMillis(order.getDeviceId()));
    String outage = health.outOfService(order.getDeviceId());
    if (refusal == null && !outage.isEmpty()) {
      refusal = "%s is out of service: %s".formatted(order.getDeviceId(), outage);
    }
    if (refusal == null && order.getWorkers() > MAX_WORKERS_PER_LEASE) {
      refusal = "%d workers; the limit is %d".formatted(order.getWorkers(), MAX_WORKERS_PER_LEASE);
    }
    if (refusal != null || device == null) {
      reports.prepareFailed(order.getLeaseId(), Status.RESOURCE_EXHAUSTED, String.valueOf(refusal));
      return;
    }
    LeaseWorkers lease = new LeaseWorkers(order, new Outcome(), nowNs);
    leases.put(order.getLeaseId(), lease);
    startWorkers(lease, device, nowNs);
    if (lease.stage() == LeaseWorkers.Stage.STARTING) {
      order.getFunctionsList().forEach(function -> loadFunction(lease, function, true));
    }
  }

  private void startWorkers(LeaseWorkers lease, AgentDevice device, long nowNs) {
    PrepareLease order = lease.order();
    int threads = threadsPerWorker(order);
    try {
      for (int i = 0; i < order.getWorkers(); i++) {
        int index = i;
        StartWorker start =
            StartWorker.newBuilder()
                .setLease(order.toBuilder().clearFunctions())
                .setExecutorId(options.executorId())
                .setWorkerIndex(i)
                .setTokenPublicKey(tokenPublicKey)
                .setComputeThreads(threads)
                .setTcpHost(options.tcpHost())
                .setVerbsHost(options.verbsHost())
                .setHostId(HostId.local())
                .setDeviceClass(device.report().getDeviceClass())
                .build();
        lease.add(
            WorkerProcess.start(
                "worker %d of lease %s".formatted(i, order.getLeaseId()),
                start,
                device.environment(order.getShareMillis() / order.getWorkers()),
                runDirectory.newWorkerDirectory(),
                new ProcessEvents(lease, index)));
      }
    } catch (IOException e) {
      LOG.log(Level.ERROR, "a worker cannot be started", e);
      lease.failPreparing("a worker cannot be started: " + e.getMessage(), nowNs);
    }
  }

  /** The lease's share of the device's threads, divided among its workers; one at least. */
  private int threadsPerWorker(PrepareLease order) {
    double share = options.ptxThreads() * (double) order.getShareMillis() / 1000;
    return (int) Math.max(1, Math.round(share / Math.max(1, order.getWorkers())));
  }

  private void loadFunction(LeaseWorkers lease, LeaseFunction function, boolean isPartOfPrepare) {
    if (!fetches.offer(lease.id(), () -> fetch(lease, function, isPartOfPrepare))) {
      lease.functionFailed(
          function,
          isPartOfPrepare,
          Status.RESOURCE_EXHAUSTED,
          "%d function packages of the lease wait to be fetched"
              .formatted(PackageFetches.MAX_WAITING_OF_LEASE));
    }
  }

  /** On the fetching thread. */
  private void fetch(LeaseWorkers lease, LeaseFunction function, boolean isPartOfPrepare) {
    try {
      Path file = runDirectory.newPackagePath();
      packages.provide(function.getVersion().getDigest(), lease.id(), file);
      loop.execute(() -> lease.load(function, file, isPartOfPrepare));
    } catch (IOException e) {
      LOG.log(Level.WARNING, "a function package cannot be had", e);
      loop.execute(() ->
          lease.functionFailed(
              function, isPartOfPrepare, Status.UNKNOWN_FUNCTION, String.valueOf(e.getMessage())));
    }
  }

  private void refuseFunction(String leaseId, LeaseFunction function) {
    reports.functionPrepared(
        FunctionPrepared.newBuilder()
            .setLeaseId(leaseId)
            .setFunctionId(function.getFunctionId())
            .setStatus(Status.WORKER_LOST.name())
            .setError("this executor does not hold lease " + leaseId)
            .build());
  }

  private void extend(ExtendLease extend, long nowNs) {
    LeaseWorkers lease = leases.get(extend.getLeaseId());
    if (lease != null) {
      lease.extend(extend, nowNs);
    }
  }

  private void revoke(RevokeLease revoke, long nowNs) {
    LeaseWorkers lease = leases.get(revoke.getLeaseId());
    LeaseState state =
        revoke.getState() == LeaseState.LEASE_STATE_UNSPECIFIED
            ? LeaseState.REVOKED
            : revoke.getState();
    if (lease == null) {
      reports.leaseEnded(revoke.getLeaseId(), state, "this agent does not hold it");
    } else {
      lease.end(state, revoke.getReason(), nowNs);
    }
  }

  private int workers() {
    return leases.values().stream().mapToInt(lease -> lease.order().getWorkers()).sum();
  }

  private @Nullable AgentDevice device(String id) {
    return options.devices().stream().filter(d -> d.id().equals(id)).findFirst().orElse(null);
  }

  /** What the workers on a device may take of its memory. */
  private long usedBytes(AgentDevice device) {
    return leases.values().stream()
        .map(LeaseWorkers::order)
        .filter(order -> order.getDeviceId().equals(device.id()))
        .mapToLong(order -> order.getWorkers() * device.workerBytes(order.getWindowBytes()))
        .sum();
  }

  private int usedShareMillis(String deviceId) {
    return leases.values().stream()
        .map(LeaseWorkers::order)
        .filter(order -> order.getDeviceId().equals(deviceId))
        .mapToInt(PrepareLease::getShareMillis)
        .sum();
  }

  private long usedBytes() {
    return leases.values().stream().mapToLong(LeaseWorkers::windowBytes).sum();
  }

  /** News of a lease; on the loop. */
  private final class Outcome implements LeaseWorkers.Outcome {
    @Override
    public void prepared(LeaseWorkers lease, LeasePrepared message) {
      LOG.log(Level.INFO, "lease {0} is ready", lease.id());
      reports.leasePrepared(message);
    }

    @Override
    public void functionPrepared(LeaseWorkers lease, FunctionPrepared message) {
      reports.functionPrepared(message);
    }

    @Override
    public void deviceFailed(LeaseWorkers lease, String reason) {
      AgentDevice device = device(lease.order().getDeviceId());
      if (device != null && device.report().getDeviceClass() == DeviceClass.CUDA) {
        health.failed(device, reason, System.nanoTime());
      }
    }

    @Override
    public void gone(LeaseWorkers lease) {
      leases.remove(lease.id());
      LOG.log(
          Level.INFO, "lease {0} ended: {1}: {2}", lease.id(), lease.endState(), lease.endReason());
      String prepareError = lease.prepareError();
      if (prepareError != null && lease.endState() == LeaseState.FAILED) {
        reports.prepareFailed(lease.id(), lease.prepareStatus(), prepareError);
      } else {
        reports.leaseEnded(lease.id(), lease.endState(), lease.endReason());
      }
    }
  }

  /** Hands what a process says to the loop, one thing after the other. */
  private final class ProcessEvents implements WorkerProcess.Events {
    private final LeaseWorkers lease;
    private final int index;

    ProcessEvents(LeaseWorkers lease, int index) {
      this.lease = lease;
      this.index = index;
    }

    @Override
    public void event(io.farwarp.v1.WorkerEvent event) {
      loop.execute(() -> lease.event(index, event, System.nanoTime()));
    }

    @Override
    public void exited(int exitCode, String lastLines) {
      String how =
          WorkerProcess.exitText(exitCode) + (lastLines.isEmpty() ? "" : "; last: " + lastLines);
      loop.execute(() -> lease.workerExited(index, how, System.nanoTime()));
    }
  }

  private void tick() {
    long nowNs = System.nanoTime();
    link.tick(nowNs);
    health.tick(nowNs);
    List.copyOf(leases.values()).forEach(lease -> lease.tick(nowNs));
    if (reports.isWelcome() && nowNs - nextHeartbeatNs >= 0) {
      nextHeartbeatNs = nowNs + heartbeatNs;
      reports.heartbeat();
    }
    if (isDraining) {
      continueDraining(nowNs);
    }
  }

  private void continueDraining(long nowNs) {
    if (nowNs - drainEndNs >= 0) {
      List.copyOf(leases.values())
          .forEach(lease ->
              lease.end(
                  LeaseState.REVOKED,
                  "executor %s was told to stop".formatted(options.executorId()),
                  nowNs));
    }
    if (leases.isEmpty()) {
      drained.complete(null);
    }
  }

  /** Ends every lease, waits for their workers to be gone, detaches. Idempotent; any thread. */
  @Override
  public synchronized void close() {
    if (isClosed) {
      return;
    }
    isClosed = true;
    drain(Duration.ZERO);
    try {
      drained.get(CLOSE_LIMIT_S, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      LOG.log(Level.ERROR, "workers are left behind; they end with this process", e);
    }
    loop.execute(link::close);
    fetches.close();
    try {
      if (!loop.end(2)) {
        LOG.log(Level.WARNING, "the agent's loop does not end");
      }
      channel.shutdown();
      if (!channel.awaitTermination(1, TimeUnit.SECONDS)) {
        channel.shutdownNow();
      }
      runDirectory.close();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "the agent's directory stays", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
