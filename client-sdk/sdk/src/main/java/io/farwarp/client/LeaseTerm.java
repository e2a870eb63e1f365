package io.farwarp.client;

import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseServiceGrpc;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.RenewRequest;
import io.farwarp.v1.WatchRequest;
import io.farwarp.wire.Status;
import io.grpc.Context;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * The life of one lease as its holder sees it: renews it at half of its time to live, watches for
 * its end and for a word that it will come, and calls it expired when its deadline has passed
 * unrenewed.
 *
 * <p>A gateway that cannot be reached ends nothing: renewing and watching are tried again until the
 * deadline, which the worker keeps by its own clock.
 */
final class LeaseTerm {
  private static final System.Logger LOG = System.getLogger(LeaseTerm.class.getName());
  private static final long RETRY_NS = TimeUnit.SECONDS.toNanos(2);
  private static final long REQUEST_NS = TimeUnit.SECONDS.toNanos(10);

  /** A request in the background waits this long for a gateway that is away. */
  private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(3);

  /** Answers that a second try does not change. */
  private static final Set<Status> FINAL =
      EnumSet.of(
          Status.LEASE_EXPIRED,
          Status.LEASE_REVOKED,
          Status.LEASE_RELEASED,
          Status.WORKER_LOST,
          Status.UNAUTHENTICATED,
          Status.PERMISSION_DENIED);

  /** The agent's deadline counts from a little later than ours. */
  private static final long EXPIRY_SLACK_NS = TimeUnit.SECONDS.toNanos(1);

  private final Lease lease;
  private final GatewayChannel gateway;
  private final ScheduledExecutorService timer;
  private final Duration duration;
  private final Context.CancellableContext watch = Context.ROOT.withCancellation();
  private volatile long deadlineNs;
  private volatile boolean stopped;

  /** It ends at its deadline, and is renewed no more. */
  private volatile boolean expiring;

  private volatile String failure = "";

  LeaseTerm(
      Lease lease,
      GatewayChannel gateway,
      ScheduledExecutorService timer,
      Duration duration,
      long ttlMs) {
    this.lease = lease;
    this.gateway = gateway;
    this.timer = timer;
    this.duration = duration;
    this.deadlineNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ttlMs);
  }

  void start(boolean renewing) {
    watch();
    long nowNs = System.nanoTime();
    if (renewing) {
      after(remainingNs(nowNs) / 2, this::renewInBackground);
    }
    after(remainingNs(nowNs) + EXPIRY_SLACK_NS, this::expireIfDue);
  }

  void stop() {
    stopped = true;
    var _ = watch.cancel(null);
  }

  long remainingNs(long nowNs) {
    return Math.max(0, deadlineNs - nowNs);
  }

  String failure() {
    return failure;
  }

  /** Renews now, on the calling thread. */
  void renew(Duration wanted) {
    try {
      renewOnce(wanted, stub().withDeadlineAfter(REQUEST_NS, TimeUnit.NANOSECONDS));
    } catch (StatusRuntimeException e) {
      throw new LeaseException(
          GatewayChannel.statusOf(e),
          "lease %s not renewed: %s".formatted(lease.id(), gateway.messageOf(e)),
          e);
    }
  }

  private LeaseServiceGrpc.LeaseServiceBlockingStub stub() {
    return LeaseServiceGrpc.newBlockingStub(gateway.channel());
  }

  private void renewOnce(Duration wanted, LeaseServiceGrpc.LeaseServiceBlockingStub stub) {
    long sentNs = System.nanoTime();
    io.farwarp.v1.Lease renewed =
        stub.renew(
            RenewRequest.newBuilder()
                .setLeaseId(lease.id())
                .setDurationMs(wanted.toMillis())
                .build());
    deadlineNs = sentNs + TimeUnit.MILLISECONDS.toNanos(renewed.getTtlMs());
    failure = "";
    lease.renewed(renewed);
  }

  private void renewInBackground() {
    if (stopped || expiring) {
      return;
    }
    long nextNs;
    try {
      gateway.reconnect();
      renewOnce(
          duration, stub().withWaitForReady().withDeadlineAfter(PATIENCE_NS, TimeUnit.NANOSECONDS));
      nextNs = remainingNs(System.nanoTime()) / 2;
    } catch (StatusRuntimeException e) {
      failure = gateway.messageOf(e);
      if (FINAL.contains(GatewayChannel.statusOf(e))) {
        LOG.log(
            System.Logger.Level.WARNING,
            "lease %s is renewed no more: %s".formatted(lease.id(), failure));
        return;
      }
      LOG.log(
          System.Logger.Level.WARNING,
          "lease %s not renewed, %s left; trying again: %s"
              .formatted(lease.id(), Duration.ofNanos(remainingNs(System.nanoTime())), failure));
      nextNs = Math.min(RETRY_NS, Math.max(100_000_000L, remainingNs(System.nanoTime()) / 4));
    }
    if (remainingNs(System.nanoTime()) > 0) {
      after(nextNs, this::renewInBackground);
    }
  }

  private void expireIfDue() {
    if (stopped) {
      return;
    }
    long leftNs = deadlineNs + EXPIRY_SLACK_NS - System.nanoTime();
    if (leftNs > 0) {
      after(leftNs, this::expireIfDue);
      return;
    }
    String why = failure.isEmpty() ? "its time to live has passed" : "not renewed: " + failure;
    lease.ended(new LeaseEnd(LeaseState.EXPIRED, why));
  }

  private void watch() {
    if (stopped) {
      return;
    }
    watch.run(() ->
        LeaseServiceGrpc.newStub(gateway.channel())
            .withWaitForReady()
            .watch(WatchRequest.newBuilder().setLeaseId(lease.id()).build(), new Events()));
  }

  private void after(long delayNs, Runnable task) {
    try {
      var _ =
          timer.schedule(
              () -> Thread.ofVirtual().name("farwarp-lease-" + lease.id()).start(task),
              delayNs,
              TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      // The connection to the gateway was closed before the lease: it lives until its deadline.
      failure = "the connection to gateway " + gateway.address() + " was closed";
    }
  }

  private final class Events implements StreamObserver<LeaseEvent> {
    @Override
    public void onNext(LeaseEvent event) {
      if (event.getState() == LeaseState.EXPIRING) {
        expiring = true;
        long graceNs = TimeUnit.MILLISECONDS.toNanos(event.getTtlMs());
        deadlineNs = System.nanoTime() + graceNs;
        after(graceNs + EXPIRY_SLACK_NS, LeaseTerm.this::expireIfDue);
        lease.expiring(new LeaseExpiring(Duration.ofNanos(graceNs), event.getReason()));
      } else if (LeaseEnd.isEnd(event.getState())) {
        lease.ended(new LeaseEnd(event.getState(), event.getReason()));
      }
    }

    @Override
    public void onError(Throwable error) {
      Status status = GatewayChannel.statusOf(error);
      if (LeaseEnd.isEnd(status)) {
        var _ = lease.ended(new LeaseEnd(LeaseEnd.state(status), gateway.messageOf(error)));
        return;
      }
      if (FINAL.contains(status)) {
        LOG.log(
            System.Logger.Level.WARNING,
            "lease %s is watched no more: %s".formatted(lease.id(), gateway.messageOf(error)));
        return;
      }
      if (!stopped) {
        after(RETRY_NS, LeaseTerm.this::watch);
      }
    }

    @Override
    public void onCompleted() {
      if (!stopped) {
        after(RETRY_NS, LeaseTerm.this::watch);
      }
    }
  }
}
