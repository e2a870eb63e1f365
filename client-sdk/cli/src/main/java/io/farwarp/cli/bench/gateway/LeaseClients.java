package io.farwarp.cli.bench.gateway;

import com.google.protobuf.ByteString;
import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseServiceGrpc;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.ReleaseRequest;
import io.farwarp.v1.ReleaseResponse;
import io.farwarp.wire.Ed25519;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Phaser;
import java.util.concurrent.atomic.AtomicReference;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Tenants that ask for leases, a connection for each tenant, without a thread for each request. Any
 * thread.
 */
final class LeaseClients implements AutoCloseable {
  private static final long WINDOW_BYTES = 2L << 20;
  private static final ByteString KEY =
      ByteString.copyFrom(Ed25519.rawPublicKey(Ed25519.generate().getPublic()));

  private final List<ManagedChannel> channels = new ArrayList<>();
  private final List<LeaseServiceGrpc.LeaseServiceStub> tenants = new ArrayList<>();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private final ConcurrentHistogram pairNs = new ConcurrentHistogram(3);
  private final SplittableRandom random = new SplittableRandom();

  /** Leases that are held by a {@link #loop}. */
  private final Phaser holding = new Phaser(1);

  private volatile boolean measuring;
  private volatile boolean stopping;

  LeaseClients(String address, int tenantCount) {
    for (int i = 0; i < tenantCount; i++) {
      ManagedChannel channel =
          NettyChannelBuilder.forTarget(address).usePlaintext().directExecutor().build();
      channels.add(channel);
      tenants.add(LeaseServiceGrpc.newStub(Tokens.attach(channel, Tokens.tenant(i))));
    }
  }

  /** A request as all make it, for an hour, waiting up to an hour. */
  private AcquireRequest request(int shareMillis) {
    ByteBuffer id = ByteBuffer.allocate(16);
    synchronized (random) {
      id.putLong(random.nextLong()).putLong(random.nextLong());
    }
    return AcquireRequest.newBuilder()
        .setRequestId(ByteString.copyFrom(id.flip()))
        .setClientPublicKey(KEY)
        .setDeviceClass(DeviceClass.PTX_CPU)
        .setWindowBytes(WINDOW_BYTES)
        .setShareMillis(shareMillis)
        .setDurationMs(Duration.ofHours(1).toMillis())
        .setWaitMs(Duration.ofHours(1).toMillis())
        .build();
  }

  /**
   * Acquires a lease for the tenant; completes with its id when it is ACTIVE.
   *
   * @param taken runs when the gateway has the request, on a thread of the connection's
   */
  CompletableFuture<String> acquire(int tenant, int shareMillis, Runnable taken) {
    CompletableFuture<String> active = new CompletableFuture<>();
    tenants
        .get(tenant % tenants.size())
        .acquire(
            request(shareMillis),
            new StreamObserver<>() {
              private boolean known;
              private String last = "";

              @Override
              public void onNext(LeaseEvent event) {
                if (!known) {
                  known = true;
                  taken.run();
                }
                last = event.getState() + ": " + event.getReason();
                if (event.getState() == LeaseState.ACTIVE) {
                  active.complete(event.getLeaseId());
                }
              }

              @Override
              public void onError(Throwable cause) {
                failed(active, cause);
              }

              @Override
              public void onCompleted() {
                if (!active.isDone()) {
                  failed(active, new IllegalStateException("a request ended as " + last));
                }
              }
            });
    return active;
  }

  private CompletableFuture<ReleaseResponse> release(int tenant, String leaseId) {
    CompletableFuture<ReleaseResponse> released = new CompletableFuture<>();
    tenants
        .get(tenant % tenants.size())
        .release(
            ReleaseRequest.newBuilder().setLeaseId(leaseId).build(),
            new StreamObserver<>() {
              @Override
              public void onNext(ReleaseResponse answer) {
                released.complete(answer);
              }

              @Override
              public void onError(Throwable cause) {
                failed(released, cause);
              }

              @Override
              public void onCompleted() {}
            });
    return released;
  }

  private void failed(CompletableFuture<?> call, Throwable cause) {
    if (!stopping) {
      failure.compareAndSet(null, cause);
    }
    call.completeExceptionally(cause);
  }

  /**
   * One client of that tenant: it acquires and releases again and again until the end.
   *
   * @param taken as of {@link #acquire}, each time
   */
  void loop(int tenant, int shareMillis, Runnable taken) {
    if (stopping || failure.get() != null) {
      return;
    }
    long startNs = System.nanoTime();
    var _ =
        acquire(tenant, shareMillis, taken)
            .thenCompose(lease -> {
              holding.register();
              return release(tenant, lease).whenComplete((_, _) -> holding.arriveAndDeregister());
            })
            .thenAccept(_ -> {
              if (measuring) {
                pairNs.recordValue(System.nanoTime() - startNs);
              }
              loop(tenant, shareMillis, taken);
            });
  }

  /**
   * Pairs that ended in some time.
   *
   * @param ns what each took, in nanoseconds; at least one
   */
  record Pairs(Histogram ns, double perSecond) {}

  /** The pairs that end within {@code time}, or until the first one has. */
  Pairs measure(Duration time) throws InterruptedException {
    pairNs.reset();
    long startNs = System.nanoTime();
    measuring = true;
    do {
      Thread.sleep(time);
      requireNoFailure();
    } while (pairNs.getTotalCount() == 0);
    measuring = false;
    double seconds = (System.nanoTime() - startNs) / 1e9;
    Histogram measured = pairNs.copy();
    return new Pairs(measured, measured.getTotalCount() / seconds);
  }

  void requireNoFailure() {
    @Nullable Throwable cause = failure.get();
    if (cause != null) {
      throw new IllegalStateException("a call of the benchmark failed: " + cause, cause);
    }
  }

  /** Leases that are held are released; then requests that wait are withdrawn. */
  @Override
  public void close() {
    stopping = true;
    holding.arriveAndAwaitAdvance();
    channels.forEach(ManagedChannel::shutdownNow);
  }
}
