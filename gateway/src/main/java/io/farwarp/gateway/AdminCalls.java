package io.farwarp.gateway;

import io.farwarp.gateway.book.Executor;
import io.farwarp.gateway.book.Lease;
import io.farwarp.gateway.book.LeaseBook;
import io.farwarp.v1.AdminServiceGrpc;
import io.farwarp.v1.ExecutorRow;
import io.farwarp.v1.ListExecutorsRequest;
import io.farwarp.v1.ListExecutorsResponse;
import io.farwarp.v1.ListLeasesRequest;
import io.farwarp.v1.ListLeasesResponse;
import io.farwarp.v1.RevokeLeaseRequest;
import io.farwarp.v1.RevokeLeaseResponse;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.TimeUnit;

/** AdminService: what the lease book knows, as tenants and operators may see it. */
final class AdminCalls extends AdminServiceGrpc.AdminServiceImplBase {
  /** Keeps an answer under the 4 MiB that a gRPC client takes. */
  private static final int MAX_ROWS = 10_000;

  private final LeaseControl control;
  private final GatewayClock clock;

  AdminCalls(LeaseControl control, GatewayClock clock) {
    this.control = control;
    this.clock = clock;
  }

  @Override
  public void listLeases(ListLeasesRequest request, StreamObserver<ListLeasesResponse> call) {
    try {
      Caller caller = Caller.current();
      call.onNext(Replies.await(control.ask(book -> leases(book, caller, request.getEnded()))));
      call.onCompleted();
    } catch (Refusal | RuntimeException e) {
      call.onError(Replies.toGrpc(e));
    }
  }

  private ListLeasesResponse leases(LeaseBook book, Caller caller, boolean ended) {
    ListLeasesResponse.Builder response = ListLeasesResponse.newBuilder();
    for (Lease lease : book.leases()) {
      if ((caller.operator() || lease.tenant().equals(caller.name()))
          && (ended || !lease.ended())
          && response.getLeasesCount() < MAX_ROWS) {
        response.addLeases(control.messages().row(lease));
      }
    }
    return response.build();
  }

  @Override
  public void listExecutors(
      ListExecutorsRequest request, StreamObserver<ListExecutorsResponse> call) {
    try {
      call.onNext(Replies.await(control.ask(this::executors)));
      call.onCompleted();
    } catch (Refusal | RuntimeException e) {
      call.onError(Replies.toGrpc(e));
    }
  }

  private ListExecutorsResponse executors(LeaseBook book) {
    ListExecutorsResponse.Builder response = ListExecutorsResponse.newBuilder();
    long nowNs = clock.nowNs();
    for (Executor executor : book.executors()) {
      if (response.getExecutorsCount() < MAX_ROWS) {
        response.addExecutors(
            ExecutorRow.newBuilder()
                .setExecutorId(executor.id())
                .setHostId(executor.hostId())
                .setState(executor.stateText())
                .addAllDevices(executor.devices())
                .setWindowCapacityBytes(executor.capacityBytes())
                .setWindowUsedBytes(executor.usedBytes())
                .setLeases(executor.leases())
                .setMaxWorkers(executor.maxWorkers())
                .setWorkers(executor.workers())
                .setLastHeartbeatAgoMs(
                    TimeUnit.NANOSECONDS.toMillis(nowNs - executor.lastHeardNs())));
      }
    }
    return response.build();
  }

  @Override
  public void revokeLease(RevokeLeaseRequest request, StreamObserver<RevokeLeaseResponse> call) {
    try {
      Caller caller = Caller.current();
      String reason =
          "by operator %s: %s".formatted(caller.name(), AgentChecks.reason(request.getReason()));
      Replies.await(control.revoke(request.getLeaseId(), caller, reason));
      call.onNext(RevokeLeaseResponse.getDefaultInstance());
      call.onCompleted();
    } catch (Refusal | RuntimeException e) {
      call.onError(Replies.toGrpc(e));
    }
  }
}
