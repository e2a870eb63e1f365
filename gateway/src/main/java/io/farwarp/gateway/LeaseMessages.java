package io.farwarp.gateway;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import io.farwarp.gateway.book.Command;
import io.farwarp.gateway.book.FunctionSlot;
import io.farwarp.gateway.book.Lease;
import io.farwarp.gateway.book.LeaseSpec;
import io.farwarp.gateway.book.Slice;
import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.ExtendLease;
import io.farwarp.v1.GatewayMessage;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseRow;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.PrepareLease;
import io.farwarp.v1.StoredFunction;
import io.farwarp.v1.StoredLease;
import io.farwarp.v1.WorkerEndpoint;
import io.farwarp.wire.Status;

/** Leases of the book as clients, agents, operators and the store see them. */
final class LeaseMessages {
  /**
   * Characters; so that a list of the most rows there can be fits the message that a client takes.
   */
  private static final int MAX_ROW_REASON = 256;

  private final GatewayClock clock;
  private final SigningKey key;

  LeaseMessages(GatewayClock clock, SigningKey key) {
    this.clock = clock;
    this.key = key;
  }

  /** An ACTIVE lease, and what the tokens say that its holder is to get with it. */
  record Unsigned(io.farwarp.v1.Lease lease, LeaseToken token) {}

  /** The state that {@code lease} is in, without tokens. */
  LeaseEvent event(Lease lease) {
    LeaseEvent.Builder event =
        LeaseEvent.newBuilder()
            .setLeaseId(lease.id())
            .setState(lease.state())
            .setReason(lease.reason())
            .setPlace(lease.place())
            .setEstimateMs(lease.estimateMs());
    if (lease.status() != Status.OK) {
      event.setStatus(lease.status().name());
    }
    if (lease.state() == LeaseState.ACTIVE) {
      event.setLease(lease(lease));
    }
    if (lease.state() == LeaseState.EXPIRING) {
      event.setTtlMs(remainingMs(lease));
    }
    return event.build();
  }

  Unsigned unsigned(Lease lease) {
    return new Unsigned(lease(lease), token(lease));
  }

  private io.farwarp.v1.Lease lease(Lease lease) {
    AcquireRequest request = lease.spec().request();
    Slice slice = lease.slice();
    io.farwarp.v1.Lease.Builder message =
        io.farwarp.v1.Lease.newBuilder()
            .setLeaseId(lease.id())
            .setExecutorId(slice == null ? "" : slice.executorId())
            .setDeviceClass(lease.deviceClass())
            .setDeviceName(lease.deviceName())
            .setWindowBytes(request.getWindowBytes())
            .setShareMillis(request.getShareMillis())
            .setHotUs(request.getHotUs())
            .setTtlMs(remainingMs(lease))
            .setQueuedMs(NANOSECONDS.toMillis(lease.queuedNs()))
            .setPrepareMs(NANOSECONDS.toMillis(lease.prepareNs()));
    message.addAllWorkers(lease.workers());
    for (FunctionSlot function : lease.functions()) {
      if (function.ready()) {
        message.addFunctions(function.toPreparedFunction());
      }
    }
    return message.build();
  }

  /** What the token for each worker of {@code lease} says, but for that worker's index. */
  LeaseToken token(Lease lease) {
    AcquireRequest request = lease.spec().request();
    Slice slice = lease.slice();
    return LeaseToken.newBuilder()
        .setLeaseId(lease.id())
        .setTenant(lease.tenant())
        .setExecutorId(slice == null ? "" : slice.executorId())
        .setWindowBytes(request.getWindowBytes())
        .setShareMillis(request.getShareMillis())
        .setHotUs(request.getHotUs())
        .setIssuedAtUnixMs(clock.unixMs(clock.nowNs()))
        .setExpiresAtUnixMs(clock.unixMs(lease.deadlineNs()))
        .setClientPublicKey(request.getClientPublicKey())
        .setRenewal(lease.renewal())
        .build();
  }

  /**
   * The lease with a signed token for each worker. Takes some ten microseconds for each; any
   * thread, but not the book's, which all leases wait for.
   */
  io.farwarp.v1.Lease sign(Unsigned unsigned) {
    io.farwarp.v1.Lease.Builder signed = unsigned.lease.toBuilder();
    for (WorkerEndpoint.Builder worker : signed.getWorkersBuilderList()) {
      worker.setToken(
          key.sign(unsigned.token.toBuilder().setWorkerIndex(worker.getWorkerIndex()).build()));
    }
    return signed.build();
  }

  private long remainingMs(Lease lease) {
    return lease.usable()
        ? Math.max(0, NANOSECONDS.toMillis(lease.deadlineNs() - clock.nowNs()))
        : 0;
  }

  GatewayMessage prepare(Lease lease, Slice slice, long ttlNs) {
    AcquireRequest request = lease.spec().request();
    PrepareLease.Builder prepare =
        PrepareLease.newBuilder()
            .setLeaseId(lease.id())
            .setTenant(lease.tenant())
            .setDeviceId(slice.deviceId())
            .setWindowBytes(request.getWindowBytes())
            .setShareMillis(request.getShareMillis())
            .setWorkers(request.getWorkers())
            .setHotUs(request.getHotUs())
            .setTtlMs(NANOSECONDS.toMillis(ttlNs))
            .setIssuedAtUnixMs(clock.unixMs(clock.nowNs()))
            .setClientPublicKey(request.getClientPublicKey());
    lease.functions().forEach(slot -> prepare.addFunctions(slot.toLeaseFunction()));
    return GatewayMessage.newBuilder().setPrepareLease(prepare).build();
  }

  GatewayMessage extend(Lease lease, long ttlNs) {
    return GatewayMessage.newBuilder()
        .setExtend(
            ExtendLease.newBuilder()
                .setLeaseId(lease.id())
                .setTtlMs(NANOSECONDS.toMillis(ttlNs))
                .setExpiresAtUnixMs(clock.unixMs(lease.deadlineNs())))
        .build();
  }

  LeaseRow row(Lease lease) {
    AcquireRequest request = lease.spec().request();
    Slice slice = lease.slice();
    return LeaseRow.newBuilder()
        .setLeaseId(lease.id())
        .setTenant(lease.tenant())
        .setState(lease.state())
        .setReason(lease.reason().substring(0, Math.min(lease.reason().length(), MAX_ROW_REASON)))
        .setExecutorId(slice == null ? "" : slice.executorId())
        .setDeviceId(slice == null ? "" : slice.deviceId())
        .setDeviceClass(slice == null ? lease.spec().deviceClass() : lease.deviceClass())
        .setWindowBytes(request.getWindowBytes())
        .setShareMillis(request.getShareMillis())
        .setWorkers(request.getWorkers())
        .setRemainingMs(remainingMs(lease))
        .setRequestedAtUnixMs(clock.unixMs(lease.requestedNs()))
        .setPlace(lease.place())
        .setEstimateMs(lease.estimateMs())
        .build();
  }

  /**
   * A usable lease for the store.
   *
   * @param agent name of the credential that its executor attached with
   */
  StoredLease stored(Lease lease, Slice slice, String agent) {
    StoredLease.Builder stored =
        StoredLease.newBuilder()
            .setLeaseId(lease.id())
            .setTenant(lease.tenant())
            .setRequest(lease.spec().request())
            .setExecutorId(slice.executorId())
            .setDeviceId(slice.deviceId())
            .setDeviceClass(lease.deviceClass())
            .setDeviceName(lease.deviceName())
            .addAllWorkers(lease.workers())
            .setExpiresAtUnixMs(clock.unixMs(lease.deadlineNs()))
            .setRequestedAtUnixMs(clock.unixMs(lease.requestedNs()))
            .setHeldUntilUnixMs(clock.unixMs(lease.holdUntilNs()))
            .setRenewal(lease.renewal())
            .setAgent(agent)
            .setActiveAtUnixMs(clock.unixMs(lease.activeNs()))
            .setReason(lease.reason());
    if (lease.state() == LeaseState.EXPIRING) {
      stored.setExpiresAs(lease.endsAs());
    }
    for (FunctionSlot function : lease.functions()) {
      stored.addFunctions(
          StoredFunction.newBuilder()
              .setFunction(function.toLeaseFunction())
              .setReady(function.ready())
              .setLoadMs(function.toPreparedFunction().getLoadMs())
              .setWarmMs(function.toPreparedFunction().getWarmMs()));
    }
    return stored.build();
  }

  /** The command that takes a stored lease up again; refuses one that is not whole. */
  Command.Restore restore(StoredLease stored) throws GatewayException {
    try {
      new LeaseSpec(stored.getRequest());
    } catch (IllegalArgumentException e) {
      throw new GatewayException(
          "lease store: lease %s: %s".formatted(stored.getLeaseId(), e.getMessage()), e);
    }
    return new Command.Restore(
        stored,
        clock.ns(stored.getRequestedAtUnixMs()),
        clock.ns(stored.getActiveAtUnixMs()),
        clock.ns(stored.getExpiresAtUnixMs()),
        clock.ns(stored.getHeldUntilUnixMs()));
  }
}
