package io.farwarp.gateway.book;

import io.farwarp.gateway.book.FunctionSlot.Phase;
import io.farwarp.v1.DeviceReport;
import io.farwarp.v1.LeaseState;
import io.farwarp.wire.Status;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The book's part that takes requests in, has them wait, and grants them slices: who is next is
 * {@link FairShares}' rule, who may pass {@link WaitQueue}'s, where {@link Placement}'s, and who
 * has to go for it {@link Preemption}'s.
 */
final class Admission implements WaitQueue.Outcome {
  /** Requests at the front that may have preemptible leases go for them at a time. */
  private static final int PREEMPTING = 16;

  private final LeaseBook book;
  private final BookLimits limits;
  private final Fleet fleet;
  private final Tenants tenants;
  private final FairShares shares;
  private final WaitQueue queue;
  private final Collection<Executor> executors;

  /** Leases that hold a slice and are preemptible. */
  private int preemptible;

  private boolean capacityChanged;
  private boolean fleetChanged;

  Admission(
      LeaseBook book,
      BookLimits limits,
      Fleet fleet,
      Tenants tenants,
      Collection<Executor> executors) {
    this.book = book;
    this.limits = limits;
    this.fleet = fleet;
    this.tenants = tenants;
    this.shares = new FairShares(tenants);
    this.queue = new WaitQueue(limits, tenants, shares);
    this.executors = executors;
  }

  void held(Lease lease) {
    shares.take(lease, lease.heldSlice());
    preemptible += lease.spec.preemptible() ? 1 : 0;
  }

  void freed(Lease lease) {
    shares.free(lease, lease.heldSlice());
    preemptible -= lease.spec.preemptible() ? 1 : 0;
    capacityChanged = true;
  }

  /** Something that a request may have waited for is free. */
  void capacityChanged() {
    capacityChanged = true;
  }

  /** There are other executors, or other devices of theirs, than before. */
  void fleetChanged() {
    capacityChanged = true;
    fleetChanged = true;
  }

  void request(Command.Request c, long nowNs) {
    Account account = tenants.of(c.tenant());
    long retryNs = account.takeRequest(nowNs);
    if (retryNs > 0) {
      book.refuse(
          Status.RESOURCE_EXHAUSTED,
          "tenant %s asks more often than %d times a second, its quota (max_requests_per_second): try again in %d ms"
              .formatted(
                  c.tenant(),
                  account.policy.getMaxRequestsPerSecond(),
                  Math.ceilDiv(retryNs, 1_000_000)));
      return;
    }
    String refusal = c.spec().refusal();
    if (!refusal.isEmpty()) {
      book.refuse(Status.INVALID_ARGUMENT, refusal);
      return;
    }
    String tooMuch = account.refusal(c.spec());
    if (!tooMuch.isEmpty()) {
      book.refuse(Status.RESOURCE_EXHAUSTED, tooMuch);
      return;
    }
    if (queue.size() >= limits.queued() || queue.of(c.tenant()) >= limits.queuedPerTenant()) {
      book.refuse(
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
    book.add(lease);
    book.emit(new Event.Accepted(lease.id, false));
    queue.add(lease, nowNs);
    // Where it fits nowhere, nothing has come that could be granted to anyone.
    capacityChanged |= preemptible > 0 || Placement.best(lease, executors, _ -> true) != null;
    grantWaiting(nowNs);
    if (lease.state == LeaseState.QUEUED) {
      startToWait(lease, nowNs);
    }
  }

  private void startToWait(Lease lease, long nowNs) {
    queue.findPlace(lease, nowNs);
    lease.reason = waitReason(lease);
    if (lease.spec.waitNs() == 0) {
      book.end(lease, LeaseState.FAILED, Status.RESOURCE_EXHAUSTED, lease.reason, false);
      return;
    }
    book.due(lease, nowNs + lease.spec.waitNs());
    book.emit(new Event.Queued(lease.id, lease.place, lease.reason));
  }

  String waitReason(Lease lease) {
    String overQuota = tenants.of(lease.tenant).overQuota(lease.spec);
    if (overQuota != null) {
      return overQuota + ": it waits for one of these to end";
    }
    boolean far = lease.place == 0 || lease.place > WaitQueue.EXACT_PLACES;
    if (!far && Placement.best(lease, executors, _ -> true) == null) {
      return Placement.whyNot(lease.spec, executors);
    }
    String before =
        lease.place == 0 ? "more than " + WaitQueue.EXACT_PLACES : "" + (lease.place - 1);
    return "%s requests are before it, some of them for the same executors; %s: who holds least is next"
        .formatted(before, shares.text(lease.tenant));
  }

  int queued(String tenant) {
    return queue.of(tenant);
  }

  /** The request waits no more, or never did. */
  void remove(Lease lease) {
    queue.remove(lease);
    // One that waited may have kept executors from those behind it.
    capacityChanged |= lease.state == LeaseState.QUEUED;
  }

  /** Grants what can be granted, and tells those who wait how they stand. */
  void grantWaiting(long nowNs) {
    if (fleetChanged) {
      fleetChanged = false;
      shares.measure(executors);
    }
    if (capacityChanged) {
      capacityChanged = false;
      queue.grant(executors, preemptible > 0 ? PREEMPTING : 0, nowNs, this);
    }
    queue.fill(executors, nowNs, this);
  }

  void tellPlaces(long nowNs) {
    for (Lease lease : queue.newPlaces(nowNs)) {
      lease.reason = waitReason(lease);
      book.emit(new Event.Queued(lease.id, lease.place, lease.reason));
    }
  }

  /** When {@link #grantWaiting} or {@link #tellPlaces} have something to do. */
  long nextNs() {
    return queue.nextNs();
  }

  @Override
  public void granted(Lease lease, Slice slice, List<Reservation> gaps, long nowNs) {
    Executor executor = fleet.require(slice.executorId());
    lease.grantedNs = nowNs;
    lease.gaps = gaps;
    for (DeviceReport device : executor.devices()) {
      if (device.getDeviceId().equals(slice.deviceId())) {
        lease.deviceClass = device.getDeviceClass();
        lease.deviceName = device.getName();
      }
    }
    book.hold(lease, slice, nowNs + limits.holdNs(lease.spec));
    lease.functions.forEach(slot -> slot.phase = Phase.PENDING);
    book.due(lease, nowNs + limits.prepareNs());
    book.change(lease, LeaseState.PREPARING, Status.OK, "on executor " + executor.id);
    book.emit(
        new Event.Prepare(executor.id, lease.id, limits.prepareNs() + lease.spec.durationNs()));
  }

  @Override
  public void blocked(Lease lease) {
    Preemption.@Nullable Victims victims = Preemption.victims(lease, executors);
    if (victims == null) {
      return;
    }
    victims.executor().promisedTo = lease;
    for (Lease victim : victims.leases()) {
      book.expire(
          victim,
          limits.graceNs(),
          LeaseState.REVOKED,
          "it is preemptible, and request %s waits for its slice".formatted(lease.id));
    }
  }
}
