package io.farwarp.client;

import io.farwarp.v1.LeaseServiceGrpc;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.PrepareFunctionRequest;
import io.farwarp.v1.PreparedFunction;
import io.farwarp.v1.ReleaseRequest;
import io.farwarp.v1.WorkerEndpoint;
import io.farwarp.wire.Status;
import io.grpc.StatusRuntimeException;
import java.security.KeyPair;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The right to a slice of an executor's device until a deadline, which a background task moves on
 * unless the request said otherwise. Any thread. Closing it closes its sessions and releases it.
 */
public final class Lease implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Lease.class.getName());
  private static final long RELEASE_TIMEOUT_NS = TimeUnit.SECONDS.toNanos(5);

  private final GatewayChannel gateway;
  private final ConnectOptions options;
  private final KeyPair keys;
  private final LeaseTerm term;
  private final boolean renewing;
  private final Set<Session> sessions = ConcurrentHashMap.newKeySet();
  private final Map<String, PreparedFunction> functions = new ConcurrentHashMap<>();
  private final AtomicReference<@Nullable LeaseEnd> end = new AtomicReference<>();
  private final CompletableFuture<LeaseExpiring> expiringTold = new CompletableFuture<>();
  private final CompletableFuture<LeaseEnd> endTold = new CompletableFuture<>();
  private volatile io.farwarp.v1.Lease terms;

  Lease(
      GatewayChannel gateway,
      ConnectOptions options,
      ScheduledExecutorService timer,
      LeaseRequest request,
      KeyPair keys,
      io.farwarp.v1.Lease granted) {
    this.gateway = gateway;
    this.options = options;
    this.keys = keys;
    this.terms = granted;
    this.renewing = request.renewing();
    this.term = new LeaseTerm(this, gateway, timer, request.duration(), granted.getTtlMs());
    granted.getFunctionsList().forEach(this::remember);
  }

  /** Begins to watch the lease and, if asked for, to renew it. */
  void start() {
    term.start(renewing);
  }

  public String id() {
    return terms.getLeaseId();
  }

  public String executorId() {
    return terms.getExecutorId();
  }

  public Device device() {
    return Device.of(terms.getDeviceClass());
  }

  /** The device's honest name, as its executor reports it: "PTX CPU device (no GPU)". */
  public String deviceName() {
    return terms.getDeviceName();
  }

  /** Bytes of each worker's window. */
  public long windowBytes() {
    return terms.getWindowBytes();
  }

  public int shareMillis() {
    return terms.getShareMillis();
  }

  /** How long each side spins for the next work before it blocks. */
  public Duration hot() {
    return Duration.ofNanos(terms.getHotUs() * 1000L);
  }

  public int workers() {
    return terms.getWorkersCount();
  }

  /** Time that the request spent in the gateway's queue. */
  public Duration queued() {
    return Duration.ofMillis(terms.getQueuedMs());
  }

  /** Time from the grant until workers and functions were ready. */
  public Duration prepare() {
    return Duration.ofMillis(terms.getPrepareMs());
  }

  /** What is left of the time to live; zero once the lease has ended. */
  public Duration timeToLive() {
    return end.get() != null
        ? Duration.ZERO
        : Duration.ofNanos(term.remainingNs(System.nanoTime()));
  }

  /** Why the last renewal failed; empty text while renewals succeed. */
  public String renewalFailure() {
    return term.failure();
  }

  /** Where worker {@code index} listens, best first: "shm /path", "tcp host:port". */
  public List<DataPath> dataPaths(int index) {
    return worker(index).getAddressesList().stream()
        .map(at -> new DataPath(at.getTransport(), at.getAddress(), "offered by the worker"))
        .toList();
  }

  /** Runs {@code listener} once, when the lease has ended for whatever reason. */
  public Lease onEnded(Consumer<LeaseEnd> listener) {
    var _ = endTold.thenAccept(listener);
    return this;
  }

  /**
   * Runs {@code listener} once, when the gateway says that the lease will end: it was preempted, or
   * an operator wants it back. Until then it can be used, and its results saved.
   */
  public Lease onExpiring(Consumer<LeaseExpiring> listener) {
    var _ = expiringTold.thenAccept(listener);
    return this;
  }

  public boolean isLive() {
    return end.get() == null;
  }

  /** A session with worker 0 over the best data path. */
  public Session open() {
    return open(SessionOptions.defaults());
  }

  /** A session with worker {@code index}. */
  public Session open(int index) {
    return open(SessionOptions.defaults().worker(index));
  }

  /**
   * Connects to a worker; one session at a time can be open with each.
   *
   * @throws SessionException no data path works, or the worker refused
   * @throws LeaseException the lease has ended
   */
  public Session open(SessionOptions wanted) {
    requireLive();
    Session session = SessionConnector.open(this, wanted);
    sessions.add(session);
    @Nullable LeaseEnd ended = end.get();
    if (ended != null) {
      session.leaseEnded(ended);
    }
    return session;
  }

  /** Extends the lease to {@code duration} from now and hands the new tokens to its sessions. */
  public void renew(Duration duration) {
    requireLive();
    term.renew(duration);
  }

  /**
   * Ends the lease now; its sessions are closed first, and tell their workers, so that it ends at
   * once also where no gateway can be reached. Closing an ended lease does nothing.
   */
  @Override
  public void close() {
    boolean told = !sessions.isEmpty();
    sessions.forEach(session -> session.close(true));
    if (!ended(new LeaseEnd(LeaseState.RELEASED, "released by this client"))) {
      return;
    }
    try {
      var _ =
          LeaseServiceGrpc.newBlockingStub(gateway.channel())
              .withDeadlineAfter(RELEASE_TIMEOUT_NS, TimeUnit.NANOSECONDS)
              .release(ReleaseRequest.newBuilder().setLeaseId(id()).build());
    } catch (StatusRuntimeException e) {
      if (told && e.getStatus().getCode() == io.grpc.Status.Code.NOT_FOUND) {
        return; // the worker was quicker
      }
      // The executor ends the lease at its deadline all the same; nothing here can be done sooner.
      LOG.log(
          System.Logger.Level.WARNING,
          "lease %s could not be released; it ends within %s: %s"
              .formatted(
                  id(),
                  Duration.ofNanos(term.remainingNs(System.nanoTime())),
                  gateway.messageOf(e)));
    }
  }

  /** The function, prepared on the lease's workers now if it is not yet. */
  PreparedFunction function(String name) {
    @Nullable PreparedFunction known = functions.get(name);
    if (known != null) {
      return known;
    }
    requireLive();
    try {
      PreparedFunction prepared =
          LeaseServiceGrpc.newBlockingStub(gateway.channel())
              .withDeadlineAfter(
                  options.requestTimeout().multipliedBy(4).toNanos(), TimeUnit.NANOSECONDS)
              .prepareFunction(
                  PrepareFunctionRequest.newBuilder().setLeaseId(id()).setFunction(name).build());
      remember(prepared);
      functions.put(name, prepared);
      return prepared;
    } catch (StatusRuntimeException e) {
      throw gateway.error("function " + name + " on lease " + id(), e);
    }
  }

  private void remember(PreparedFunction prepared) {
    String name = prepared.getVersion().getName();
    String version = prepared.getVersion().getVersion();
    functions.put(name + ":" + version, prepared);
    functions.putIfAbsent(name, prepared);
  }

  WorkerEndpoint worker(int index) {
    for (WorkerEndpoint worker : terms.getWorkersList()) {
      if (worker.getWorkerIndex() == index) {
        return worker;
      }
    }
    throw new SessionException(
        Status.INVALID_ARGUMENT,
        "lease %s has no worker %d; it has %d, counted from 0".formatted(id(), index, workers()));
  }

  KeyPair keys() {
    return keys;
  }

  /** The gateway has moved the deadline: sessions pass the new tokens on to their workers. */
  void renewed(io.farwarp.v1.Lease granted) {
    io.farwarp.v1.Lease before = terms;
    terms =
        before.toBuilder()
            .clearWorkers()
            .addAllWorkers(
                before.getWorkersList().stream()
                    .map(worker -> withNewToken(worker, granted))
                    .toList())
            .setTtlMs(granted.getTtlMs())
            .build();
    for (Session session : sessions) {
      session.renewed(worker(session.worker()).getToken().toByteArray());
    }
  }

  private static WorkerEndpoint withNewToken(WorkerEndpoint worker, io.farwarp.v1.Lease granted) {
    for (WorkerEndpoint renewed : granted.getWorkersList()) {
      if (renewed.getWorkerIndex() == worker.getWorkerIndex()) {
        return worker.toBuilder().setToken(renewed.getToken()).build();
      }
    }
    return worker;
  }

  void expiring(LeaseExpiring how) {
    expiringTold.complete(how);
  }

  /** Called once or more often; the first end counts. */
  boolean ended(LeaseEnd how) {
    term.stop();
    if (!end.compareAndSet(null, how)) {
      return false;
    }
    sessions.forEach(session -> session.leaseEnded(how));
    endTold.complete(how);
    return true;
  }

  void closed(Session session) {
    sessions.remove(session);
  }

  private void requireLive() {
    @Nullable LeaseEnd ended = end.get();
    if (ended != null) {
      throw new LeaseException(
          ended.status(), "lease %s has ended: %s".formatted(id(), ended.reason()));
    }
  }

  @Override
  public String toString() {
    return "lease %s on %s (%s)".formatted(id(), executorId(), deviceName());
  }
}
