package io.farwarp.client;

import com.google.protobuf.ByteString;
import io.farwarp.rdma.Transports;
import io.farwarp.rdma.linux.HostId;
import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseServiceGrpc;
import io.farwarp.v1.LeaseState;
import io.farwarp.wire.Ed25519;
import io.farwarp.wire.Status;
import io.grpc.Context;
import io.grpc.stub.StreamObserver;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A lease that was asked for and is not granted yet. Any thread. */
public final class Acquisition {
  /** Beyond the wait in the queue: starting workers, fetching and compiling functions. */
  private static final Duration PREPARE_LIMIT = Duration.ofMinutes(10);

  private final GatewayChannel gateway;
  private final ConnectOptions options;
  private final ScheduledExecutorService timer;
  private final LeaseRequest request;
  private final KeyPair keys = Ed25519.generate();
  private final CompletableFuture<Lease> lease = new CompletableFuture<>();
  private final List<Consumer<LeaseProgress>> listeners = new CopyOnWriteArrayList<>();
  private final Context.CancellableContext call = Context.ROOT.withCancellation();
  private volatile @Nullable LeaseProgress latest;

  private Acquisition(
      GatewayChannel gateway,
      ConnectOptions options,
      ScheduledExecutorService timer,
      LeaseRequest request) {
    this.gateway = gateway;
    this.options = options;
    this.timer = timer;
    this.request = request;
  }

  static Acquisition start(
      GatewayChannel gateway,
      ConnectOptions options,
      ScheduledExecutorService timer,
      LeaseRequest request) {
    Acquisition acquisition = new Acquisition(gateway, options, timer, request);
    acquisition.send();
    return acquisition;
  }

  private void send() {
    byte[] requestId = new byte[16];
    new SecureRandom().nextBytes(requestId);
    AcquireRequest message =
        AcquireRequest.newBuilder()
            .setRequestId(ByteString.copyFrom(requestId))
            .setDeviceClass(request.device().deviceClass())
            .setMinComputeCapability(request.minComputeCapability())
            .setDeviceName(request.deviceName())
            .setMinDeviceMemoryBytes(request.minDeviceMemoryBytes())
            .setWindowBytes(request.windowBytes())
            .setShareMillis(request.shareMillis())
            .setWorkers(request.workers())
            .setDurationMs(request.duration().toMillis())
            .setWaitMs(request.waitAtMost().toMillis())
            .setHotUs((int) (request.hot().toNanos() / 1000))
            .setPriority(request.priority())
            .setPreemptible(request.preemptible())
            .setClientPublicKey(ByteString.copyFrom(Ed25519.rawPublicKey(keys.getPublic())))
            .addAllFunctions(request.functions())
            .setClientHostId(HostId.local())
            .addAllClientTransports(Transports.usable())
            .build();
    long limitNs = request.waitAtMost().plus(PREPARE_LIMIT).toNanos();
    call.run(() ->
        LeaseServiceGrpc.newStub(gateway.channel())
            .withDeadlineAfter(limitNs, TimeUnit.NANOSECONDS)
            .acquire(message, new Events()));
  }

  /**
   * Waits until the lease is granted and its workers are ready; the gateway's queue limit ({@link
   * LeaseRequest#waitAtMost}) bounds the wait.
   *
   * @throws LeaseException refused, or the wait was in vain
   */
  public Lease await() {
    return await(request.waitAtMost().plus(PREPARE_LIMIT).plusSeconds(5));
  }

  /** The same, but withdraws the request after {@code limit}. */
  public Lease await(Duration limit) {
    try {
      return lease.get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof LeaseException refused ? again(refused) : failed(e);
    } catch (TimeoutException e) {
      cancel();
      throw new LeaseException(
          Status.DEADLINE_EXCEEDED,
          "no lease within %s; it was %s".formatted(limit, progress()),
          e);
    } catch (InterruptedException e) {
      cancel();
      Thread.currentThread().interrupt();
      throw new LeaseException(Status.CANCELLED, "interrupted while waiting for a lease", e);
    }
  }

  /** Completes with the lease, or exceptionally with a {@link LeaseException}. */
  public CompletableFuture<Lease> future() {
    return lease.copy();
  }

  /** Withdraws the request; a lease that was granted meanwhile is released. */
  public void cancel() {
    var _ = call.cancel(null);
    if (!lease.completeExceptionally(
            new LeaseException(Status.CANCELLED, "the request for a lease was withdrawn"))
        && !lease.isCompletedExceptionally()) {
      lease.join().close();
    }
  }

  /**
   * Calls {@code listener} for the latest and every later state until the lease is granted, on the
   * gateway connection's thread.
   */
  public Acquisition onProgress(Consumer<LeaseProgress> listener) {
    listeners.add(listener);
    @Nullable LeaseProgress known = latest;
    if (known != null) {
      listener.accept(known);
    }
    return this;
  }

  private String progress() {
    @Nullable LeaseProgress known = latest;
    if (known == null) {
      return "not answered by gateway " + gateway.address();
    }
    return known.state() == LeaseState.QUEUED
        ? "at place %d of the queue (%s)".formatted(known.place(), known.reason())
        : known.state() + (known.reason().isEmpty() ? "" : " (" + known.reason() + ")");
  }

  /** With the awaiting thread's own stack. */
  private static LeaseException again(LeaseException refused) {
    return new LeaseException(refused.status(), String.valueOf(refused.getMessage()), refused);
  }

  private static LeaseException failed(ExecutionException e) {
    return new LeaseException(Status.INTERNAL, "lease not granted: " + e.getCause(), e);
  }

  private final class Events implements StreamObserver<LeaseEvent> {
    @Override
    public void onNext(LeaseEvent event) {
      LeaseProgress progress =
          new LeaseProgress(
              event.getLeaseId(),
              event.getState(),
              event.getPlace(),
              Duration.ofMillis(event.getEstimateMs()),
              event.getReason());
      latest = progress;
      for (Consumer<LeaseProgress> listener : listeners) {
        listener.accept(progress);
      }
      if (event.getState() == LeaseState.ACTIVE && event.hasLease()) {
        granted(event);
      } else if (LeaseEnd.isEnd(event.getState())) {
        LeaseEnd end = new LeaseEnd(event.getState(), event.getReason());
        lease.completeExceptionally(
            new LeaseException(
                GatewayChannel.named(event.getStatus(), end.status()),
                "lease not granted: " + end.reason()));
      }
    }

    private void granted(LeaseEvent event) {
      Lease granted = new Lease(gateway, options, timer, request, keys, event.getLease());
      if (lease.complete(granted)) {
        granted.start();
      } else {
        granted.close();
      }
    }

    @Override
    public void onError(Throwable error) {
      lease.completeExceptionally(
          new LeaseException(
              GatewayChannel.statusOf(error),
              "lease not granted: " + gateway.messageOf(error),
              error));
    }

    @Override
    public void onCompleted() {
      lease.completeExceptionally(
          new LeaseException(Status.INTERNAL, "the gateway ended the request without an answer"));
    }
  }
}
