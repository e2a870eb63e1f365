package io.farwarp.client;

import com.google.protobuf.ByteString;
import io.farwarp.rdma.linux.HostId;
import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.DataPathAddress;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.FunctionManifest;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.Lease;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseServiceGrpc;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.PrepareFunctionRequest;
import io.farwarp.v1.PreparedFunction;
import io.farwarp.v1.ReleaseRequest;
import io.farwarp.v1.ReleaseResponse;
import io.farwarp.v1.RenewRequest;
import io.farwarp.v1.SignedLeaseToken;
import io.farwarp.v1.WatchRequest;
import io.farwarp.v1.WorkerEndpoint;
import io.farwarp.wire.Ed25519;
import io.farwarp.wire.Wire;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A gateway of one lease on loopback: grants every request on the worker that it was given, signs
 * tokens with its own key, and does what a test tells it to.
 */
final class TestGateway extends LeaseServiceGrpc.LeaseServiceImplBase implements AutoCloseable {
  static final String CREDENTIAL = "test-credential";
  static final Metadata.Key<String> STATUS =
      Metadata.Key.of("farwarp-status", Metadata.ASCII_STRING_MARSHALLER);

  private final KeyPair keys = Ed25519.generate();
  private final Server server;
  private final Path tokenFile;
  final List<StreamObserver<LeaseEvent>> watchers = new CopyOnWriteArrayList<>();
  final List<StreamObserver<LeaseEvent>> waiting = new CopyOnWriteArrayList<>();
  final List<String> credentials = new CopyOnWriteArrayList<>();
  final List<String> released = new CopyOnWriteArrayList<>();
  final AtomicInteger renewals = new AtomicInteger();
  final ConcurrentLinkedQueue<Status> renewFailures = new ConcurrentLinkedQueue<>();
  volatile AcquireRequest request = AcquireRequest.getDefaultInstance();
  volatile List<DataPathAddress> addresses = List.of();
  volatile boolean holdsRequests;
  volatile long ttlMs = 60_000;

  TestGateway(Path directory) throws IOException {
    tokenFile = Files.writeString(directory.resolve("token"), CREDENTIAL + "\n");
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
            .addService(this)
            .intercept(new CredentialCheck())
            .build()
            .start();
  }

  byte[] publicKey() {
    return Ed25519.rawPublicKey(keys.getPublic());
  }

  void serve(TestWorker worker) {
    serve(HostId.local(), worker.shmAddress(), worker.tcpAddress());
  }

  void serve(String hostId, String shm, String tcp) {
    addresses =
        List.of(
            DataPathAddress.newBuilder()
                .setTransport("shm")
                .setAddress(shm)
                .setHostId(hostId)
                .build(),
            DataPathAddress.newBuilder().setTransport("tcp").setAddress(tcp).build());
  }

  ConnectOptions options() {
    return ConnectOptions.to("127.0.0.1:" + server.getPort()).tokenFile(tokenFile);
  }

  @Override
  public void acquire(AcquireRequest asked, StreamObserver<LeaseEvent> events) {
    request = asked;
    if (holdsRequests) {
      events.onNext(
          event(LeaseState.QUEUED, "all devices are taken")
              .setPlace(3)
              .setEstimateMs(4_000)
              .build());
      waiting.add(events);
      return;
    }
    grant(events);
  }

  void grant(StreamObserver<LeaseEvent> events) {
    events.onNext(event(LeaseState.PREPARING, "").build());
    events.onNext(event(LeaseState.ACTIVE, "").setLease(lease(0)).build());
    events.onCompleted();
  }

  static LeaseEvent.Builder event(LeaseState state, String reason) {
    return LeaseEvent.newBuilder().setLeaseId("L-1").setState(state).setReason(reason);
  }

  private Lease lease(int renewal) {
    long now = System.currentTimeMillis();
    LeaseToken token =
        LeaseToken.newBuilder()
            .setLeaseId("L-1")
            .setIssuedAtUnixMs(now)
            .setExpiresAtUnixMs(now + ttlMs)
            .setClientPublicKey(request.getClientPublicKey())
            .setRenewal(renewal)
            .build();
    byte[] content = token.toByteArray();
    SignedLeaseToken signed =
        SignedLeaseToken.newBuilder()
            .setToken(ByteString.copyFrom(content))
            .setSignature(
                ByteString.copyFrom(Ed25519.sign(keys.getPrivate(), Wire.TOKEN_CONTEXT, content)))
            .build();
    Lease.Builder lease =
        Lease.newBuilder()
            .setLeaseId("L-1")
            .setExecutorId("executor-1")
            .setDeviceClass(DeviceClass.PTX_CPU)
            .setDeviceName("test device (no GPU)")
            .setWindowBytes(request.getWindowBytes())
            .setShareMillis(request.getShareMillis())
            .setHotUs(request.getHotUs())
            .setTtlMs(ttlMs)
            .setQueuedMs(5)
            .setPrepareMs(7)
            .addWorkers(
                WorkerEndpoint.newBuilder()
                    .addAllAddresses(addresses)
                    .setToken(signed.toByteString()));
    for (String function : request.getFunctionsList()) {
      lease.addFunctions(prepared(function));
    }
    return lease.build();
  }

  private static PreparedFunction prepared(String name) {
    for (FunctionManifest manifest : TestFunctions.ALL) {
      if (name.equals(manifest.getName() + ":1") || name.equals(manifest.getName())) {
        return PreparedFunction.newBuilder()
            .setFunctionId(TestFunctions.id(manifest))
            .setVersion(
                FunctionVersion.newBuilder()
                    .setName(manifest.getName())
                    .setVersion("1")
                    .setManifest(manifest))
            .build();
      }
    }
    Metadata trailers = new Metadata();
    trailers.put(STATUS, "UNKNOWN_FUNCTION");
    throw Status.NOT_FOUND
        .withDescription("no function " + name + " is registered: push it first")
        .asRuntimeException(trailers);
  }

  @Override
  public void prepareFunction(
      PrepareFunctionRequest asked, StreamObserver<PreparedFunction> answer) {
    try {
      answer.onNext(prepared(asked.getFunction()));
      answer.onCompleted();
    } catch (io.grpc.StatusRuntimeException e) {
      answer.onError(e);
    }
  }

  @Override
  public void renew(RenewRequest asked, StreamObserver<Lease> answer) {
    Status failure = renewFailures.poll();
    if (failure != null) {
      answer.onError(failure.asRuntimeException());
      return;
    }
    answer.onNext(lease(renewals.incrementAndGet()));
    answer.onCompleted();
  }

  @Override
  public void release(ReleaseRequest asked, StreamObserver<ReleaseResponse> answer) {
    released.add(asked.getLeaseId());
    answer.onNext(ReleaseResponse.getDefaultInstance());
    answer.onCompleted();
  }

  @Override
  public void watch(WatchRequest asked, StreamObserver<LeaseEvent> events) {
    events.onNext(event(LeaseState.ACTIVE, "").build());
    watchers.add(events);
  }

  /** Tells those who watch that the lease will end. */
  void expireLease(long graceMs, String reason) {
    for (StreamObserver<LeaseEvent> watcher : watchers) {
      watcher.onNext(event(LeaseState.EXPIRING, reason).setTtlMs(graceMs).build());
    }
  }

  void endLease(LeaseState state, String reason) {
    for (StreamObserver<LeaseEvent> watcher : watchers) {
      watcher.onNext(event(state, reason).build());
      watcher.onCompleted();
    }
    watchers.clear();
  }

  @Override
  public void close() {
    server.shutdownNow();
    try {
      server.awaitTermination();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private final class CredentialCheck implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      String given =
          headers.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER));
      credentials.add(String.valueOf(given));
      if (!("Bearer " + CREDENTIAL).equals(given)) {
        Metadata trailers = new Metadata();
        trailers.put(STATUS, "UNAUTHENTICATED");
        call.close(Status.UNAUTHENTICATED.withDescription("unknown credential"), trailers);
        return new ServerCall.Listener<>() {};
      }
      return next.startCall(call, headers);
    }
  }
}
