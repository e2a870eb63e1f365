package io.farwarp.gateway;

import io.farwarp.gateway.book.Executor;
import io.farwarp.gateway.book.Lease;
import io.farwarp.gateway.book.LeaseBook;
import io.farwarp.gateway.book.Slice;
import io.farwarp.v1.DeleteFunctionRequest;
import io.farwarp.v1.DeleteFunctionResponse;
import io.farwarp.v1.FetchFunctionRequest;
import io.farwarp.v1.FunctionChunk;
import io.farwarp.v1.FunctionServiceGrpc;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.ListFunctionsRequest;
import io.farwarp.v1.ListFunctionsResponse;
import io.farwarp.v1.PushFunctionRequest;
import io.farwarp.v1.ResolveFunctionRequest;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.InputStream;

/** FunctionService over the registry. Each call has a virtual thread and may block in it. */
final class FunctionCalls extends FunctionServiceGrpc.FunctionServiceImplBase {
  private final FunctionRegistry registry;
  private final LeaseControl control;
  private final RegistryLimits limits;
  private final CallerLimit pushes;
  private final CallerLimit fetches;

  FunctionCalls(FunctionRegistry registry, LeaseControl control, RegistryLimits limits) {
    this.registry = registry;
    this.control = control;
    this.limits = limits;
    this.pushes = new CallerLimit(limits.transfers());
    this.fetches = new CallerLimit(limits.transfers());
  }

  @Override
  public StreamObserver<PushFunctionRequest> push(StreamObserver<FunctionVersion> call) {
    return PushCall.start(
        registry,
        pushes,
        limits.idleNs(),
        Caller.current().name(),
        (ServerCallStreamObserver<FunctionVersion>) call);
  }

  @Override
  public void resolve(ResolveFunctionRequest request, StreamObserver<FunctionVersion> call) {
    try {
      FunctionVersion version =
          registry.resolve(Caller.current().name(), request.getName(), request.getVersion());
      call.onNext(registry.withManifest(version));
      call.onCompleted();
    } catch (Refusal | RuntimeException e) {
      call.onError(Replies.toGrpc(e));
    }
  }

  @Override
  public void list(ListFunctionsRequest request, StreamObserver<ListFunctionsResponse> call) {
    call.onNext(
        ListFunctionsResponse.newBuilder()
            .addAllFunctions(registry.list(Caller.current().name()))
            .build());
    call.onCompleted();
  }

  @Override
  public void delete(DeleteFunctionRequest request, StreamObserver<DeleteFunctionResponse> call) {
    try {
      registry.delete(Caller.current().name(), request.getName(), request.getVersion());
      call.onNext(DeleteFunctionResponse.getDefaultInstance());
      call.onCompleted();
    } catch (Refusal | RuntimeException e) {
      call.onError(Replies.toGrpc(e));
    }
  }

  @Override
  public void fetch(FetchFunctionRequest request, StreamObserver<FunctionChunk> observer) {
    try {
      Caller caller = Caller.current();
      InputStream content;
      if (caller.role() == Caller.Role.AGENT) {
        // Of a lease that it holds, and so in use and not deleted.
        String _ = Replies.await(control.ask(caller, book -> requireNeeded(book, caller, request)));
        content = registry.open(request.getDigest());
      } else {
        content = registry.open(caller.name(), request.getDigest());
      }
      FetchCall.start(
          (ServerCallStreamObserver<FunctionChunk>) observer,
          content,
          fetches,
          limits.idleNs(),
          caller.name());
    } catch (Refusal | RuntimeException e) {
      observer.onError(Replies.toGrpc(e));
    }
  }

  /** The lease for which an agent may fetch what it asks for. */
  private static String requireNeeded(LeaseBook book, Caller agent, FetchFunctionRequest request)
      throws Refusal {
    Lease lease = book.lease(request.getLeaseId());
    Slice slice = lease == null ? null : lease.slice();
    Executor executor = slice == null ? null : book.executor(slice.executorId());
    if (lease == null
        || executor == null
        || !lease.held()
        || lease.ended()
        || !executor.agent().equals(agent.name())
        || lease.function(request.getDigest()) == null) {
      throw Refusal.denied(
          "agent \"%s\" holds no lease \"%s\" that needs this package"
              .formatted(agent.name(), AgentChecks.reason(request.getLeaseId())));
    }
    return lease.id();
  }
}
