package io.farwarp.gateway.book;

import com.google.protobuf.ByteString;
import io.farwarp.v1.LeaseState;
import io.farwarp.wire.Status;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
  private final Tenants tenants = new Tenants();
  private final Timers timers = new Timers();
  private final Fleet fleet;
  private final LeaseFunctions functions = new LeaseFunctions(this);
  private final AgentAnswers answers = new AgentAnswers(this);
  private final Admission admission;

  private final EndedLeases done;

  private List<Event> events = new ArrayList<>();
  private long nowNs = Long.MIN_VALUE;

  public LeaseBook(BookLimits limits) {
    this.limits = limits;
    this.done = new EndedLeases(limits.remembered(), limits.rememberedPerTenant());
    this.fleet = new Fleet(this, limits, executors, leases, timers);
    this.admission = new Admission(this, limits, fleet, tenants, executors.values());
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
      case Command.Release c -> release(c);
      case Command.Revoke c -> revoke(c);
      case Command.Renew c -> renew(c);
      case Command.PrepareFunction c -> functions.prepare(leases.get(c.leaseId()), c);
      case Command.AgentAttached c -> fleet.attached(c, this.nowNs);
      case Command.AgentDraining c -> fleet.draining(c.executorId());
      case Command.Cordon c -> fleet.cordon(c.executorId(), c.reason());
      case Command.Uncordon c -> fleet.uncordon(c.executorId());
      case Command.Drain c -> fleet.drain(c);
      case Command.SetTenant c -> setTenant(c);
      case Command.RestoreTenant c -> restoreTenant(c);
      case Command.RestoreCordon c -> fleet.restoreCordon(c.executorId(), c.reason());
      case Command.DeviceState c -> fleet.deviceState(c);
      case Command.AgentDetached c -> fleet.detached(c);
      case Command.Prepared c -> answers.prepared(c, this.nowNs);
      case Command.FunctionAnswered c ->
          functions.answered(answers.heldOn(c.executorId(), c.answer().getLeaseId()), c.answer());
      case Command.Ended c -> answers.ended(c);
      case Command.Restore c -> fleet.restore(c, this.nowNs);
      case Command.Heartbeats _, Command.Tick _ -> {}
    }
    admission.grantWaiting(this.nowNs);
    admission.tellPlaces(this.nowNs);
    return events;
  }

  /** When a {@link Command.Tick} has something to do; Long.MAX_VALUE: not until something else. */
  public long nextDueNs() {
    return Math.min(timers.nextNs(), admission.nextNs());
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

  /** The tenants that have ever held something or were given a policy. */
  public Collection<Account> accounts() {
    return tenants.all();
  }

  public Account account(String tenant) {
    return tenants.of(tenant);
  }

  /** Requests of a tenant that wait. */
  public int queued(String tenant) {
    return admission.queued(tenant);
  }

  /** Why operators have cordoned which executors, also some that are not there. */
  public Map<String, String> cordons() {
    return fleet.cordons();
  }

  void emit(Event event) {
    events.add(event);
  }

  void fleetChanged() {
    admission.fleetChanged();
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
    admission.request(c, nowNs);
  }

  // Tenants

  private void setTenant(Command.SetTenant c) {
    Account account = tenants.of(c.policy().getTenant());
    account.policy = c.policy();
    if (c.resetUse()) {
      account.reset(nowNs);
    }
    emit(new Event.TenantChanged(account.tenant));
    admission.capacityChanged();
  }

  private void restoreTenant(Command.RestoreTenant c) {
    Account account = tenants.of(c.policy().getTenant());
    account.policy = c.policy();
    account.usedNs = c.usedNs();
  }

  // Deadlines and ends

  private void renew(Command.Renew c) {
    Lease lease = leases.get(c.leaseId());
    if (lease == null || lease.state != LeaseState.ACTIVE) {
      refuseNotActive(c.leaseId(), lease);
      return;
    }
    long untilNs = Math.max(nowNs + c.durationNs(), lease.deadlineNs);
    Reservation gap = lease.gapBefore(untilNs + limits.skewNs());
    if (gap != null) {
      untilNs = Math.max(gap.fromNs() - limits.skewNs(), lease.deadlineNs);
    }
    String overQuota =
        tenants.of(lease.tenant).overDeviceTime(lease.spec.deviceNs(untilNs - lease.deadlineNs));
    if (overQuota != null) {
      refuse(
          Status.RESOURCE_EXHAUSTED,
          "lease %s cannot be renewed: %s".formatted(lease.id, overQuota));
      return;
    }
    lease.renewal++;
    setDeadline(lease, untilNs - nowNs);
    emit(new Event.Renewed(lease.id));
    if (gap != null) {
      expire(
          lease,
          untilNs - nowNs,
          LeaseState.EXPIRED,
          "request %s waits for its slice, which it was granted until then"
              .formatted(gap.request().id));
    }
  }

  private void revoke(Command.Revoke c) {
    Lease lease = leases.get(c.leaseId());
    if (lease == null) {
      refuse(Status.OUT_OF_RANGE, "no lease " + c.leaseId());
    } else {
      expire(lease, c.graceNs(), LeaseState.REVOKED, c.reason());
    }
  }

  /**
   * The lease can be used for {@code graceNs} still, or until its deadline if that comes before,
   * and ends in {@code endsAs} then. One that is not ACTIVE yet, or has no grace, ends now.
   */
  void expire(Lease lease, long graceNs, LeaseState endsAs, String reason) {
    if (!lease.usable() || graceNs <= 0) {
      end(lease, endsAs, Lease.statusOf(endsAs), reason, true);
      return;
    }
    lease.endsAs = endsAs;
    if (nowNs + graceNs < lease.deadlineNs) {
      setDeadline(lease, graceNs);
    }
    change(lease, LeaseState.EXPIRING, Status.OK, reason);
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

  private void release(Command.Release c) {
    Lease lease = leases.get(c.leaseId());
    if (lease == null) {
      refuse(Status.OUT_OF_RANGE, "no lease " + c.leaseId());
    } else {
      end(lease, LeaseState.RELEASED, Status.LEASE_RELEASED, c.reason(), true);
    }
  }

  void fail(Lease lease, Status status, String reason) {
    end(lease, LeaseState.FAILED, status, reason, true);
  }

  /** Ends a lease that has not ended; its slice stays held until {@link #free}. */
  void end(Lease lease, LeaseState state, Status status, String reason, boolean tellAgent) {
    if (lease.ended()) {
      return;
    }
    admission.remove(lease);
    settleUse(lease);
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

  /** The device time of a lease that ends is used from now on. */
  private void settleUse(Lease lease) {
    if (lease.usable()) {
      Account account = tenants.of(lease.tenant);
      account.usedNs += lease.deviceNs(Math.min(nowNs, lease.holdUntilNs));
      emit(new Event.TenantChanged(lease.tenant));
    }
  }

  /** The slice of an ended lease may be granted again. */
  void free(Lease lease) {
    Slice slice = lease.slice;
    if (!lease.held || slice == null) {
      return;
    }
    lease.held = false;
    fleet.require(slice.executorId()).free(lease, slice);
    admission.freed(lease);
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

  void change(Lease lease, LeaseState state, Status status, String reason) {
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
                  .formatted(lease.spec.request().getWaitMs(), admission.waitReason(lease)),
              false);
      case PREPARING ->
          fail(
              lease,
              Status.DEADLINE_EXCEEDED,
              "its executor did not prepare it within %d s".formatted(seconds(limits.prepareNs())));
      case ACTIVE ->
          end(lease, LeaseState.EXPIRED, Status.LEASE_EXPIRED, "its time to live has passed", true);
      case EXPIRING -> end(lease, lease.endsAs, Lease.statusOf(lease.endsAs), lease.reason, true);
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
    fleet.require(slice.executorId()).take(lease, slice);
    admission.held(lease);
    if (lease.ended()) {
      timers.arm(lease);
    }
  }

  /** A function of {@code lease} is ready where the lease is. */
  void loaded(Lease lease, FunctionSlot slot) {
    fleet.require(lease.heldSlice().executorId()).addLoaded(slot.digest());
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
          "lease %s is %s%s; it must be ACTIVE for this"
              .formatted(
                  leaseId, lease.state, lease.reason.isEmpty() ? "" : " (" + lease.reason + ")"));
    }
  }
}
