package io.farwarp.gateway;

import io.farwarp.gateway.book.Command;
import io.farwarp.gateway.book.LeaseSpec;
import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.Lease;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseServiceGrpc;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.PrepareFunctionRequest;
import io.farwarp.v1.PreparedFunction;
import io.farwarp.v1.ReleaseRequest;
import io.farwarp.v1.ReleaseResponse;
import io.farwarp.v1.RenewRequest;
import io.farwarp.v1.WatchRequest;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** LeaseService over the lease book. Each call has a virtual thread and may block in it. */
final class LeaseCalls extends LeaseServiceGrpc.LeaseServiceImplBase {
  private static final long PREPARE_FUNCTION_NS = TimeUnit.SECONDS.toNanos(120);
  private static final char[] ID_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz".toCharArray();
  private static final int ID_LENGTH = 10;

  /** Leases whose tokens are signed at a time for one caller: each keeps a core busy. */
  private static final int MAX_SIGNINGS = 2;

  private final LeaseControl control;
  private final FunctionRegistry registry;
  private final SecureRandom random = new SecureRandom();
  private final CallerTurns signings = new CallerTurns(MAX_SIGNINGS, "leases to sign");

  LeaseCalls(LeaseControl control, FunctionRegistry registry) {
    this.control = control;
    this.registry = registry;
  }

  @Override
  public void acquire(AcquireRequest request, StreamObserver<LeaseEvent> observer) {
    ServerCallStreamObserver<LeaseEvent> call = (ServerCallStreamObserver<LeaseEvent>) observer;
    String tenant = Caller.current().name();
    // Manifests come from disk, and tokens have to be signed; the lease book waits for neither.
    AtomicReference<Runnable> withdraw = new AtomicReference<>(() -> {});
    LeaseStream stream =
        LeaseStream.acquire(
            call,
            (event, token) ->
                Thread.ofVirtual()
                    .start(() -> sendActive(tenant, event, token, call, withdraw.get())));
    withdraw.set(() -> control.withdraw(stream));
    call.setOnCancelHandler(() -> control.withdraw(stream));
    call.setOnCloseHandler(() -> control.forget(stream));
    List<FunctionVersion> functions = new ArrayList<>();
    try {
      LeaseSpec spec = new LeaseSpec(request);
      for (String reference : request.getFunctionsList()) {
        FunctionVersion version = registry.use(tenant, reference);
        if (functions.stream().noneMatch(f -> f.getDigest().equals(version.getDigest()))) {
          functions.add(version);
        } else {
          registry.unuse(tenant, version);
        }
      }
      control.acquire(new Command.Request(newLeaseId(), tenant, spec, functions), stream);
    } catch (IllegalArgumentException e) {
      call.onError(Refusal.invalid(String.valueOf(e.getMessage())).toGrpc());
    } catch (Refusal | RuntimeException e) {
      functions.forEach(version -> registry.unuse(tenant, version));
      call.onError(Replies.toGrpc(e));
    }
  }

  private Lease sign(String caller, LeaseMessages.Unsigned unsigned) throws Refusal {
    signings.enter(caller);
    try {
      return control.messages().sign(unsigned);
    } finally {
      signings.leave(caller);
    }
  }

  private void sendActive(
      String tenant,
      LeaseEvent event,
      LeaseToken token,
      ServerCallStreamObserver<LeaseEvent> call,
      Runnable withdraw) {
    try {
      LeaseMessages.Unsigned unsigned = new LeaseMessages.Unsigned(event.getLease(), token);
      LeaseEvent.Builder whole = event.toBuilder().setLease(sign(tenant, unsigned));
      for (PreparedFunction.Builder function : whole.getLeaseBuilder().getFunctionsBuilderList()) {
        function.setVersion(registry.withManifest(function.getVersion()));
      }
      call.onNext(whole.build());
      call.onCompleted();
    } catch (Refusal | RuntimeException e) {
      withdraw.run();
      call.onError(Replies.toGrpc(e));
    }
  }

  /** "L-" and 50 random bits: unique over restarts without a counter that would have to be kept. */
  private String newLeaseId() {
    StringBuilder id = new StringBuilder("L-");
    for (int i = 0; i < ID_LENGTH; i++) {
      id.append(ID_LETTERS[random.nextInt(ID_LETTERS.length)]);
    }
    return id.toString();
  }

  @Override
  public void renew(RenewRequest request, StreamObserver<Lease> call) {
    try {
      LeaseSpec.checkDuration(request.getDurationMs());
      long durationNs = TimeUnit.MILLISECONDS.toNanos(request.getDurationMs());
      Caller caller = Caller.current();
      LeaseMessages.Unsigned renewed =
          Replies.await(control.renew(request.getLeaseId(), caller, durationNs));
      call.onNext(sign(caller.name(), renewed));
      call.onCompleted();
    } catch (IllegalArgumentException e) {
      call.onError(Refusal.invalid(String.valueOf(e.getMessage())).toGrpc());
    } catch (Refusal | RuntimeException e) {
      call.onError(Replies.toGrpc(e));
    }
  }

  @Override
  public void release(ReleaseRequest request, StreamObserver<ReleaseResponse> call) {
    try {
      Caller caller = Caller.current();
      String reason = caller.operator() ? "released by operator " + caller.name() : "released";
      Replies.await(control.release(request.getLeaseId(), caller, reason));
      call.onNext(ReleaseResponse.getDefaultInstance());
      call.onCompleted();
    } catch (Refusal | RuntimeException e) {
      call.onError(Replies.toGrpc(e));
    }
  }

  @Override
  public void watch(WatchRequest request, StreamObserver<LeaseEvent> observer) {
    ServerCallStreamObserver<LeaseEvent> call = (ServerCallStreamObserver<LeaseEvent>) observer;
    LeaseStream stream = LeaseStream.watch(call);
    call.setOnCancelHandler(() -> control.unwatch(request.getLeaseId(), stream));
    call.setOnCloseHandler(() -> control.unwatch(request.getLeaseId(), stream));
    try {
      control.watch(request.getLeaseId(), Caller.current(), stream);
    } catch (Refusal | RuntimeException e) {
      call.onError(Replies.toGrpc(e));
    }
  }

  @Override
  public void prepareFunction(
      PrepareFunctionRequest request, StreamObserver<PreparedFunction> call) {
    try {
      Caller caller = Caller.current();
      String leaseId = request.getLeaseId();
      String tenant =
          Replies.await(
              control.ask(caller, book -> control.require(book, leaseId, caller).tenant()));
      FunctionVersion version = registry.use(tenant, request.getFunction());
      Deadline deadline = Context.current().getDeadline();
      long limitNs =
          deadline == null
              ? PREPARE_FUNCTION_NS
              : Math.min(PREPARE_FUNCTION_NS, deadline.timeRemaining(TimeUnit.NANOSECONDS));
      PreparedFunction prepared =
          Replies.await(
              prepare(leaseId, caller, tenant, version),
              limitNs,
              "the executor did not prepare %s:%s"
                  .formatted(version.getName(), version.getVersion()));
      call.onNext(
          prepared.toBuilder().setVersion(registry.withManifest(prepared.getVersion())).build());
      call.onCompleted();
    } catch (Refusal | RuntimeException e) {
      call.onError(Replies.toGrpc(e));
    }
  }

  private CompletableFuture<PreparedFunction> prepare(
      String leaseId, Caller caller, String tenant, FunctionVersion version) throws Refusal {
    try {
      return control.prepareFunction(leaseId, caller, tenant, version);
    } catch (Refusal e) {
      registry.unuse(tenant, version);
      throw e;
    }
  }
}
