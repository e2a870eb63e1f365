package io.farwarp.gateway.book;

import static java.util.concurrent.TimeUnit.HOURS;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import com.google.protobuf.ByteString;
import io.farwarp.gateway.book.FunctionSlot.Phase;
import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.HeldLease;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.StoredFunction;
import io.farwarp.v1.StoredLease;
import io.farwarp.wire.Status;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The book's part that agents drive: which executors there are, when one is silent, and how the
 * book and an agent that (re)attaches come to agree on what the agent holds.
 */
final class Fleet {
  private static final long MAX_HELD_TTL_NS = HOURS.toNanos(48);

  private final LeaseBook book;
  private final BookLimits limits;
  private final Map<String, Executor> executors;
  private final Map<String, Lease> leases;
  private final Timers timers;

  /** Why operators have cordoned which executors, also some that are not there. */
  private final Map<String, String> cordons = new LinkedHashMap<>();

  Fleet(
      LeaseBook book,
      BookLimits limits,
      Map<String, Executor> executors,
      Map<String, Lease> leases,
      Timers timers) {
    this.book = book;
    this.limits = limits;
    this.executors = executors;
    this.leases = leases;
    this.timers = timers;
  }

  Executor require(String executorId) {
    Executor executor = executors.get(executorId);
    if (executor == null) {
      throw new IllegalStateException("executor " + executorId + " is not in the book");
    }
    return executor;
  }

  /** A lease that a gateway held when it ended: its agent is expected to come back. */
  void restore(Command.Restore c, long nowNs) {
    StoredLease stored = c.stored();
    Lease lease =
        new Lease(
            stored.getLeaseId(),
            stored.getTenant(),
            new LeaseSpec(stored.getRequest()),
            c.requestedNs());
    for (StoredFunction function : stored.getFunctionsList()) {
      FunctionSlot slot = lease.allot(function.getFunction().getVersion());
      slot.phase = function.getReady() ? Phase.READY : Phase.WANTED;
      slot.loadMs = function.getLoadMs();
      slot.warmMs = function.getWarmMs();
    }
    boolean expiring = Lease.ended(stored.getExpiresAs());
    lease.state = expiring ? LeaseState.EXPIRING : LeaseState.ACTIVE;
    lease.endsAs = expiring ? stored.getExpiresAs() : LeaseState.EXPIRED;
    lease.reason = stored.getReason();
    lease.activeNs = c.activeNs();
    lease.workers = stored.getWorkersList();
    lease.renewal = stored.getRenewal();
    lease.deviceClass = stored.getDeviceClass();
    lease.deviceName = stored.getDeviceName();
    book.add(lease);
    Slice slice =
        new Slice(
            stored.getExecutorId(),
            stored.getDeviceId(),
            lease.spec.totalBytes(),
            lease.spec.shareMillis(),
            lease.spec.workers());
    expect(slice.executorId(), stored.getAgent(), nowNs);
    book.hold(lease, slice, c.holdUntilNs());
    lease.functions.stream().filter(FunctionSlot::ready).forEach(slot -> book.loaded(lease, slot));
    book.due(lease, c.deadlineNs());
  }

  /** An executor whose agent should come, because leases of it are known. */
  private void expect(String executorId, String agent, long nowNs) {
    if (!executors.containsKey(executorId)) {
      add(new Executor(executorId, agent, nowNs, limits.reattachNs()));
    }
  }

  private void add(Executor executor) {
    executor.cordon = cordons.get(executor.id);
    executors.put(executor.id, executor);
    timers.arm(executor, executor.lastHeardNs + executor.silenceNs);
  }

  void attached(Command.AgentAttached c, long nowNs) {
    AgentHello hello = c.hello();
    Executor executor = executors.get(hello.getExecutorId());
    String refusal = refusal(c, executor);
    if (!refusal.isEmpty()) {
      book.emit(new Event.Refused(Status.ALREADY_CONNECTED, refusal));
      return;
    }
    if (executor == null) {
      executor = new Executor(hello.getExecutorId(), c.agent(), nowNs, limits.silenceNs());
      add(executor);
    }
    executor.attach(c.agent(), hello, nowNs, limits.silenceNs());
    timers.arm(executor, nowNs + executor.silenceNs);
    List<Lease> kept = new ArrayList<>();
    List<String> endLeases = reconcile(executor, hello, kept, nowNs);
    book.emit(new Event.Welcome(executor.id, endLeases));
    for (Lease lease : kept) {
      if (lease.usable()) {
        tellAgain(executor, lease, nowNs);
      }
    }
    book.fleetChanged();
  }

  private String refusal(Command.AgentAttached c, @Nullable Executor known) {
    String id = c.hello().getExecutorId();
    if (known == null) {
      return executors.size() < BookLimits.EXECUTORS
          ? ""
          : "%d executors are known, which is the limit".formatted(BookLimits.EXECUTORS);
    }
    if (!known.agent.equals(c.agent()) && (known.attached || !known.held().isEmpty())) {
      return "executor id %s belongs to agent credential %s".formatted(id, known.agent);
    }
    if (known.attached
        && !known.silent
        && !known.incarnation.equals(c.hello().getIncarnation())
        && !known.hostId.equals(c.hello().getHostId())) {
      return "executor id %s is in use by another host: give each its own agent --id".formatted(id);
    }
    return isLate(c.hello(), known)
        ? "a later stream of executor %s was here before this one".formatted(id)
        : "";
  }

  /**
   * What it says of leases is not so any more. Between runs of an agent the host's clock decides,
   * which may have gone back: a stream that has fallen silent is not held against another run's.
   */
  private static boolean isLate(AgentHello hello, Executor known) {
    boolean sameRun = known.incarnation.equals(hello.getIncarnation());
    return hello.getStream() != 0 && hello.getStream() < known.stream && (sameRun || !known.silent);
  }

  /** What the agent is to end; adds to {@code kept} what both sides hold. */
  private List<String> reconcile(
      Executor executor, AgentHello hello, List<Lease> kept, long nowNs) {
    Map<String, HeldLease> held = new LinkedHashMap<>();
    for (HeldLease each : hello.getHeldList()) {
      held.put(each.getLeaseId(), each);
    }
    List<String> endLeases = new ArrayList<>();
    for (Lease lease : List.copyOf(executor.held())) {
      HeldLease theirs = held.remove(lease.id);
      if (theirs == null) {
        lose(lease, "executor %s has come back without it".formatted(executor.id));
        book.free(lease);
        continue;
      }
      lease.holdUntilNs = Math.max(lease.holdUntilNs, heldUntilNs(theirs, nowNs));
      if (lease.ended() || !same(lease, theirs)) {
        lose(lease, "executor %s holds another slice for it".formatted(executor.id));
        endLeases.add(lease.id);
      } else {
        kept.add(lease);
      }
    }
    for (HeldLease unknown : held.values()) {
      endLeases.add(unknown.getLeaseId());
      adopt(executor, unknown, nowNs);
    }
    return endLeases;
  }

  /**
   * Extensions, orders and answers may have been lost with the last stream. A function that is
   * ordered again is answered again, and somebody waits for that.
   */
  private void tellAgain(Executor executor, Lease lease, long nowNs) {
    book.setDeadline(lease, Math.max(1, lease.deadlineNs - nowNs));
    for (FunctionSlot slot : lease.functions) {
      if (slot.phase == Phase.PENDING) {
        book.emit(new Event.PrepareFunction(executor.id, lease.id, slot.id));
      }
    }
  }

  private void lose(Lease lease, String reason) {
    book.end(lease, LeaseState.LOST, Status.WORKER_LOST, reason, false);
  }

  private static boolean same(Lease lease, HeldLease theirs) {
    Slice slice = lease.slice;
    return slice != null
        && slice.deviceId().equals(theirs.getDeviceId())
        && lease.spec.request().getWindowBytes() == theirs.getWindowBytes()
        && lease.spec.request().getWorkers() == Math.max(1, theirs.getWorkers());
  }

  /**
   * The agent holds what this book takes for ended, or has never heard of: until the agent has
   * ended it, it is not free.
   */
  private void adopt(Executor executor, HeldLease held, long nowNs) {
    Lease lease = leases.get(held.getLeaseId());
    if (lease == null) {
      lease = new Lease(held.getLeaseId(), held.getTenant(), unknownSpec(held), nowNs);
      lease.state = LeaseState.LOST;
      lease.status = Status.WORKER_LOST;
      lease.reason = "this gateway does not know it";
      leases.put(lease.id, lease);
    } else if (lease.held || !lease.ended()) {
      // Held on another executor: two agents cannot both have it, so this one's is void.
      return;
    }
    int workers = Math.max(1, held.getWorkers());
    Slice slice =
        new Slice(
            executor.id,
            held.getDeviceId(),
            held.getWindowBytes() * workers,
            held.getShareMillis(),
            workers);
    book.hold(lease, slice, heldUntilNs(held, nowNs));
  }

  /** When the agent has certainly ended a lease of which it says that it holds it. */
  private long heldUntilNs(HeldLease held, long nowNs) {
    long ttlNs = Math.min(MILLISECONDS.toNanos(held.getTtlMs()), MAX_HELD_TTL_NS);
    return nowNs + Math.max(0, ttlNs) + limits.skewNs();
  }

  private static LeaseSpec unknownSpec(HeldLease held) {
    return new LeaseSpec(
        AcquireRequest.newBuilder()
            .setRequestId(ByteString.copyFrom(new byte[16]))
            .setClientPublicKey(ByteString.copyFrom(new byte[32]))
            .setWindowBytes(held.getWindowBytes())
            .setShareMillis(held.getShareMillis())
            .setWorkers(held.getWorkers())
            .setDurationMs(1000)
            .build());
  }

  void heard(String executorId, long heardNs) {
    Executor executor = executors.get(executorId);
    if (executor != null && executor.attached && !executor.silent) {
      executor.lastHeardNs = Math.max(executor.lastHeardNs, heardNs);
    }
  }

  void draining(String executorId) {
    Executor executor = executors.get(executorId);
    if (executor != null) {
      executor.draining = true;
      book.fleetChanged();
    }
  }

  void cordon(String executorId, String reason) {
    if (!executors.containsKey(executorId)) {
      book.refuse(Status.OUT_OF_RANGE, "no executor " + executorId);
      return;
    }
    if (cordons.size() >= BookLimits.EXECUTORS) {
      book.refuse(
          Status.RESOURCE_EXHAUSTED,
          "%d executors are cordoned, which is the limit: uncordon some".formatted(cordons.size()));
      return;
    }
    restoreCordon(executorId, reason);
    book.emit(new Event.CordonChanged(executorId));
  }

  /** As a gateway that has restarted knows it from its store. */
  void restoreCordon(String executorId, String reason) {
    cordons.put(executorId, reason);
    Executor executor = executors.get(executorId);
    if (executor != null) {
      executor.cordon = reason;
      book.fleetChanged();
    }
  }

  void uncordon(String executorId) {
    if (cordons.remove(executorId) == null) {
      book.refuse(Status.OUT_OF_RANGE, "no executor " + executorId + " is cordoned");
      return;
    }
    Executor executor = executors.get(executorId);
    if (executor != null) {
      executor.cordon = null;
      book.fleetChanged();
    }
    book.emit(new Event.CordonChanged(executorId));
  }

  void drain(Command.Drain c) {
    cordon(c.executorId(), c.reason());
    Executor executor = executors.get(c.executorId());
    if (executor != null && executor.cordon != null) {
      for (Lease lease : List.copyOf(executor.held())) {
        book.expire(lease, c.graceNs(), LeaseState.REVOKED, c.reason());
      }
    }
  }

  Map<String, String> cordons() {
    return Collections.unmodifiableMap(cordons);
  }

  void deviceState(Command.DeviceState c) {
    Executor executor = executors.get(c.executorId());
    if (executor != null) {
      executor.deviceState(c.deviceId(), c.outOfService());
      book.fleetChanged();
    }
  }

  void detached(Command.AgentDetached c) {
    Executor executor = executors.get(c.executorId());
    if (executor != null && executor.incarnation.equals(c.incarnation())) {
      executor.attached = false;
      book.fleetChanged();
    }
  }

  void executorDue(Executor executor, long nowNs) {
    if (!executor.silent) {
      long dueNs = executor.lastHeardNs + executor.silenceNs;
      if (dueNs > nowNs) {
        timers.arm(executor, dueNs);
        return;
      }
      fallSilent(executor, nowNs);
    }
    long forgetNs = executor.lastHeardNs + BookLimits.FORGET_EXECUTOR_NS;
    if (forgetNs <= nowNs && executor.held().isEmpty()) {
      executors.remove(executor.id, executor);
    } else {
      timers.arm(executor, Math.max(forgetNs, nowNs + limits.heartbeatNs()));
    }
  }

  private void fallSilent(Executor executor, long nowNs) {
    executor.silent = true;
    executor.attached = false;
    book.emit(new Event.AgentSilent(executor.id));
    String reason =
        "executor %s has been silent for %d ms"
            .formatted(executor.id, (nowNs - executor.lastHeardNs) / 1_000_000);
    for (Lease lease : List.copyOf(executor.held())) {
      lose(lease, reason);
    }
    book.fleetChanged();
  }
}
