package io.farwarp.gateway.book;

import com.google.protobuf.ByteString;
import io.farwarp.gateway.book.FunctionSlot.Phase;
import io.farwarp.v1.DeviceReport;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.LeaseState;
import io.farwarp.wire.Status;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who holds which slice of which executor until when, and who waits: a state machine that is driven
 * by {@link #apply} and by nothing else.
 *
 * <p>What it promises: no executor's windows or share are granted beyond what its agent reported; a
 * slice that was granted is granted again only after its agent has said that it is free, or after
 * the agent's own deadline for it and the bound on clock skew have passed; every request ends, or
 * is active, by a deadline; time never goes back.
 *
 * <p>One thread at a time.
 */
public final class LeaseBook {
  private record RequestKey(String tenant, ByteString requestId) {}

  private final BookLimits limits;
  private final Map<String, Lease> leases = new LinkedHashMap<>();
  private final Map<RequestKey, Lease> requests = new HashMap<>();
  private final Map<String, Executor> executors = new LinkedHashMap<>();
  private final FairShares shares = new FairShares();
  private final WaitQueue queue = new WaitQueue(shares);
  private final Timers timers = new Timers();
  private final Fleet fleet;
  private final LeaseFunctions functions = new LeaseFunctions(this);

  private final EndedLeases done;

  private List<Event> events = new ArrayList<>();
  private long nowNs = Long.MIN_VALUE;
  private boolean capacityChanged;

  public LeaseBook(BookLimits limits) {
    this.limits = limits;
    this.done = new EndedLeases(limits.remembered(), limits.rememberedPerTenant());
    this.fleet = new Fleet(this, limits, executors, leases, timers);
  }

  /**
   * What follows from {@code command} at {@code nowNs}, the time that has passed before it
   * included. A time before an earlier call's counts as that one.
   */
  public List<Event> apply(Command command, long nowNs) {
    this.nowNs = Math.max(this.nowNs, nowNs);
    events = new ArrayList<>();
    if (command instanceof Command.Heartbeats c) {
      c.heardNs().forEach(fleet::heard);
    }
    runTimers();
    switch (command) {
      case Command.Request c -> request(c);
      case Command.Release c -> finish(c.leaseId(), LeaseState.RELEASED, c.reason());
      case Command.Revoke c -> finish(c.leaseId(), LeaseState.REVOKED, c.reason());
      case Command.Renew c -> renew(c);
      case Command.PrepareFunction c -> functions.prepare(leases.get(c.leaseId()), c);
      case Command.AgentAttached c -> fleet.attached(c, this.nowNs);
      case Command.AgentDraining c -> fleet.draining(c.executorId());
      case Command.DeviceState c -> fleet.deviceState(c);
      case Command.AgentDetached c -> fleet.detached(c);
      case Command.Prepared c -> prepared(c);
      case Command.FunctionAnswered c ->
          functions.answered(heldOn(c.executorId(), c.answer().getLeaseId()), c.answer());
      case Command.Ended c -> endedByAgent(c);
      case Command.Restore c -> fleet.restore(c, this.nowNs);
      case Command.Heartbeats _, Command.Tick _ -> {}
    }
    grantWaiting();
    for (Lease lease : queue.newPlaces(this.nowNs)) {
      events.add(new Event.Queued(lease.id, lease.place, lease.reason));
    }
    return events;
  }

  /** When a {@link Command.Tick} has something to do; Long.MAX_VALUE: not until something else. */
  public long nextDueNs() {
    return Math.min(timers.nextNs(), queue.nextNs());
  }

  public @Nullable Lease lease(String leaseId) {
    return leases.get(leaseId);
  }

  void add(Lease lease) {
    if (leases.putIfAbsent(lease.id, lease) != null) {
      throw new IllegalStateException("lease id " + lease.id + " is there twice");
    }
    requests.put(new RequestKey(lease.tenant, lease.spec.request().getRequestId()), lease);
  }

  /** All leases that the book remembers, in the order in which they came to it. */
  public Collection<Lease> leases() {
    return Collections.unmodifiableCollection(leases.values());
  }

  public @Nullable Executor executor(String executorId) {
    return executors.get(executorId);
  }

  public Collection<Executor> executors() {
    return Collections.unmodifiableCollection(executors.values());
  }

  void emit(Event event) {
    events.add(event);
  }

  void capacityChanged() {
    capacityChanged = true;
  }

  // Requests

  private void request(Command.Request c) {
    RequestKey key = new RequestKey(c.tenant(), c.spec().request().getRequestId());
    Lease known = requests.get(key);
    if (known != null) {
      if (known.spec.equals(c.spec())) {
        emit(new Event.Accepted(known.id, true));
      } else {
        refuse(
            Status.INVALID_ARGUMENT,
            "this request_id is taken by lease %s, which asked for something else: use a new one"
                .formatted(known.id));
      }
      return;
    }
    String refusal = c.spec().refusal();
    if (!refusal.isEmpty()) {
      refuse(Status.INVALID_ARGUMENT, refusal);
      return;
    }
    if (queue.size() >= limits.queued() || queue.of(c.tenant()) >= limits.queuedPerTenant()) {
      refuse(
          Status.RESOURCE_EXHAUSTED,
          "%d requests wait, %d of them of tenant %s; the limits are %d and %d: try again later"
              .formatted(
                  queue.size(),
                  queue.of(c.tenant()),
                  c.tenant(),
                  limits.queued(),
                  limits.queuedPerTenant()));
      return;
    }
    Lease lease = new Lease(c.leaseId(), c.tenant(), c.spec(), nowNs);
    c.functions().forEach(lease::allot);
    add(lease);
    emit(new Event.Accepted(lease.id, false));
    queue.add(lease);
    capacityChanged = true;
    grantWaiting();
    if (lease.state != LeaseState.QUEUED) {
      return;
    }
    queue.findPlace(lease, nowNs);
    lease.reason = waitReason(lease);
    if (lease.spec.waitNs() == 0) {
      end(lease, LeaseState.FAILED, Status.RESOURCE_EXHAUSTED, lease.reason, false);
      return;
    }
    due(lease, nowNs + lease.spec.waitNs());
    emit(new Event.Queued(lease.id, lease.place, lease.reason));
  }

  private String waitReason(Lease lease) {
    if (Placement.best(lease.spec, executors.values(), Set.of()) != null) {
      return "%d requests are before it, some of them for the same executors; %s: who holds least is next"
          .formatted(lease.place - 1, shares.text(lease.tenant));
    }
    return Placement.whyNot(lease.spec, executors.values());
  }

  private void grantWaiting() {
    if (capacityChanged) {
      capacityChanged = false;
      queue.grant(executors.values(), nowNs, this::grant);
    }
  }

  private void grant(Lease lease, Slice slice) {
    Executor executor = fleet.require(slice.executorId());
    lease.grantedNs = nowNs;
    for (DeviceReport device : executor.devices()) {
      if (device.getDeviceId().equals(slice.deviceId())) {
        lease.deviceClass = device.getDeviceClass();
        lease.deviceName = device.getName();
      }
    }
    long ttlNs = limits.prepareNs() + lease.spec.durationNs();
    hold(lease, slice, nowNs + ttlNs + limits.skewNs());
    lease.functions.forEach(slot -> slot.phase = Phase.PENDING);
    due(lease, nowNs + limits.prepareNs());
    change(lease, LeaseState.PREPARING, Status.OK, "on executor " + executor.id);
    emit(new Event.Prepare(executor.id, lease.id, ttlNs));
  }

  // The agent's answers

  private void prepared(Command.Prepared c) {
    LeasePrepared answer = c.answer();
    Lease lease = heldOn(c.executorId(), answer.getLeaseId());
    if (lease == null) {
      return;
    }
    if (!answer.getError().isEmpty()) {
      end(
          lease,
          LeaseState.FAILED,
          LeaseFunctions.statusOf(answer.getStatus(), Status.RESOURCE_EXHAUSTED),
          "executor %s cannot prepare it: %s".formatted(c.executorId(), answer.getError()),
          false);
      free(lease);
      return;
    }
    if (lease.state != LeaseState.PREPARING) {
      return;
    }
    int workers = lease.spec.request().getWorkers();
    if (answer.getWorkersCount() != workers) {
      fail(
          lease,
          Status.PROTOCOL_ERROR,
          "executor %s started %d workers; %d were asked for"
              .formatted(c.executorId(), answer.getWorkersCount(), workers));
      return;
    }
    LeaseFunctions.Failure failure = LeaseFunctions.takeOver(lease, answer);
    if (failure != null) {
      fail(lease, failure.status(), failure.reason());
      return;
    }
    lease.workers = List.copyOf(answer.getWorkersList());
    lease.activeNs = nowNs;
    setDeadline(lease, lease.spec.durationNs());
    change(lease, LeaseState.ACTIVE, Status.OK, "");
  }

  private void endedByAgent(Command.Ended c) {
    Lease lease = heldOn(c.executorId(), c.leaseId());
    if (lease == null) {
      return;
    }
    LeaseState state = Lease.ended(c.state()) ? c.state() : LeaseState.FAILED;
    end(lease, state, Lease.statusOf(state), c.reason(), false);
    free(lease);
  }

  private @Nullable Lease heldOn(String executorId, String leaseId) {
    Lease lease = leases.get(leaseId);
    Slice slice = lease == null ? null : lease.slice;
    return lease != null && slice != null && lease.held && slice.executorId().equals(executorId)
        ? lease
        : null;
  }

  // Deadlines and ends

  private void renew(Command.Renew c) {
    Lease lease = leases.get(c.leaseId());
    if (lease == null || lease.state != LeaseState.ACTIVE) {
      refuseNotActive(c.leaseId(), lease);
      return;
    }
    lease.renewal++;
    setDeadline(lease, Math.max(c.durationNs(), lease.deadlineNs - nowNs));
    emit(new Event.Renewed(lease.id));
  }

  /** The lease ends {@code ttlNs} from now, here and at its agent. */
  void setDeadline(Lease lease, long ttlNs) {
    Slice slice = lease.slice;
    if (slice == null) {
      throw new IllegalStateException("lease " + lease.id + " is active and holds no slice");
    }
    lease.holdUntilNs = Math.max(lease.holdUntilNs, nowNs + ttlNs + limits.skewNs());
    due(lease, nowNs + ttlNs);
    emit(new Event.Extend(slice.executorId(), lease.id, ttlNs));
  }

  private void finish(String leaseId, LeaseState state, String reason) {
    Lease lease = leases.get(leaseId);
    if (lease == null) {
      refuse(Status.OUT_OF_RANGE, "no lease " + leaseId);
      return;
    }
    end(lease, state, Lease.statusOf(state), reason, true);
  }

  private void fail(Lease lease, Status status, String reason) {
    end(lease, LeaseState.FAILED, status, reason, true);
  }

  /** Ends a lease that has not ended; its slice stays held until {@link #free}. */
  void end(Lease lease, LeaseState state, Status status, String reason, boolean tellAgent) {
    if (lease.ended()) {
      return;
    }
    queue.remove(lease);
    // One that waited may have kept executors from those behind it.
    capacityChanged |= lease.state == LeaseState.QUEUED;
    change(lease, state, status, reason);
    Slice slice = lease.slice;
    if (!lease.held || slice == null) {
      remember(lease);
      return;
    }
    timers.arm(lease);
    if (tellAgent) {
      emit(new Event.End(slice.executorId(), lease.id, state, reason));
    }
  }

  /** The slice of an ended lease may be granted again. */
  void free(Lease lease) {
    Slice slice = lease.slice;
    if (!lease.held || slice == null) {
      return;
    }
    lease.held = false;
    fleet.require(slice.executorId()).free(lease.id, slice);
    shares.free(lease, slice);
    capacityChanged = true;
    emit(new Event.SliceFreed(lease.id, slice));
    remember(lease);
  }

  private void remember(Lease lease) {
    Lease oldest = done.add(lease);
    if (oldest != null && !oldest.held) {
      leases.remove(oldest.id, oldest);
      requests.remove(new RequestKey(oldest.tenant, oldest.spec.request().getRequestId()), oldest);
    }
  }

  private void change(Lease lease, LeaseState state, Status status, String reason) {
    lease.state = state;
    lease.status = status;
    lease.reason = reason;
    emit(new Event.StateChanged(lease.id, state, status, reason));
  }

  void due(Lease lease, long atNs) {
    lease.deadlineNs = atNs;
    timers.arm(lease);
  }

  private void runTimers() {
    for (Timers.Timer timer = timers.due(nowNs); timer != null; timer = timers.due(nowNs)) {
      switch (timer) {
        case Timers.OfExecutor t -> fleet.executorDue(t.executor(), nowNs);
        case Timers.OfLease t -> {
          if (t.lease().dueNs() <= nowNs) {
            leaseDue(t.lease());
          } else {
            timers.arm(t.lease());
          }
        }
      }
    }
  }

  private void leaseDue(Lease lease) {
    switch (lease.state) {
      case QUEUED ->
          end(
              lease,
              LeaseState.FAILED,
              Status.RESOURCE_EXHAUSTED,
              "it waited %d ms, its limit: %s"
                  .formatted(
                      lease.spec.request().getWaitMs(),
                      Placement.whyNot(lease.spec, executors.values())),
              false);
      case PREPARING ->
          fail(
              lease,
              Status.DEADLINE_EXCEEDED,
              "its executor did not prepare it within %d s".formatted(seconds(limits.prepareNs())));
      case ACTIVE ->
          end(lease, LeaseState.EXPIRED, Status.LEASE_EXPIRED, "its time to live has passed", true);
      case RELEASED, EXPIRED, REVOKED, LOST, FAILED -> free(lease);
      case LEASE_STATE_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalStateException("lease " + lease.id + " in state " + lease.state);
    }
  }

  private static long seconds(long ns) {
    return ns / 1_000_000_000L;
  }

  /** The executor has this slice for {@code lease}, whether it was granted by this book or not. */
  void hold(Lease lease, Slice slice, long holdUntilNs) {
    lease.slice = slice;
    lease.held = true;
    lease.holdUntilNs = holdUntilNs;
    fleet.require(slice.executorId()).take(lease.id, slice);
    shares.take(lease, slice);
    if (lease.ended()) {
      timers.arm(lease);
    }
  }

  void refuse(Status status, String reason) {
    emit(new Event.Refused(status, reason));
  }

  void refuseNotActive(String leaseId, @Nullable Lease lease) {
    if (lease == null) {
      refuse(Status.OUT_OF_RANGE, "no lease " + leaseId);
    } else if (lease.ended()) {
      refuse(
          lease.status,
          "lease %s has ended: %s%s"
              .formatted(
                  leaseId, lease.state, lease.reason.isEmpty() ? "" : " (" + lease.reason + ")"));
    } else {
      refuse(
          Status.INVALID_ARGUMENT,
          "lease %s is %s; it must be ACTIVE for this".formatted(leaseId, lease.state));
    }
  }
}
