package io.farwarp.gateway;

import io.farwarp.gateway.book.Account;
import io.farwarp.gateway.book.Command;
import io.farwarp.gateway.book.Executor;
import io.farwarp.gateway.book.Lease;
import io.farwarp.gateway.book.LeaseBook;
import io.farwarp.gateway.book.LeaseSpec;
import io.farwarp.v1.AdminServiceGrpc;
import io.farwarp.v1.CordonExecutorRequest;
import io.farwarp.v1.CordonExecutorResponse;
import io.farwarp.v1.DrainExecutorRequest;
import io.farwarp.v1.DrainExecutorResponse;
import io.farwarp.v1.ExecutorRow;
import io.farwarp.v1.ListExecutorsRequest;
import io.farwarp.v1.ListExecutorsResponse;
import io.farwarp.v1.ListLeasesRequest;
import io.farwarp.v1.ListLeasesResponse;
import io.farwarp.v1.ListTenantsRequest;
import io.farwarp.v1.ListTenantsResponse;
import io.farwarp.v1.RevokeLeaseRequest;
import io.farwarp.v1.RevokeLeaseResponse;
import io.farwarp.v1.SetTenantRequest;
import io.farwarp.v1.SetTenantResponse;
import io.farwarp.v1.TenantRow;
import io.farwarp.v1.UncordonExecutorRequest;
import io.farwarp.v1.UncordonExecutorResponse;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** AdminService: what the lease book knows, as tenants and operators may see it. */
final class AdminCalls extends AdminServiceGrpc.AdminServiceImplBase {
  /** Keeps an answer under the 4 MiB that a gRPC client takes. */
  private static final int MAX_ROWS = 10_000;

  /** The book's thread makes so many in one go: a fraction of a millisecond. */
  private static final int ROWS_AT_A_TIME = 256;

  /** Of one caller; an answer may take 4 MiB until it is read. */
  private static final int MAX_LISTINGS = 4;

  private static final long MAX_GRACE_MS = TimeUnit.HOURS.toMillis(24);

  private final LeaseControl control;
  private final GatewayClock clock;
  private final CallerTurns listings = new CallerTurns(MAX_LISTINGS, "lists");

  AdminCalls(LeaseControl control, GatewayClock clock) {
    this.control = control;
    this.clock = clock;
  }

  @Override
  public void listLeases(ListLeasesRequest request, StreamObserver<ListLeasesResponse> call) {
    list(call, caller -> leases(caller, request.getEnded()));
  }

  private ListLeasesResponse leases(Caller caller, boolean ended) throws Refusal {
    List<String> ids =
        Replies.await(
            control.ask(
                caller,
                book ->
                    book.leases().stream()
                        .filter(lease -> caller.operator() || lease.tenant().equals(caller.name()))
                        .filter(lease -> ended || !lease.ended())
                        .limit(MAX_ROWS)
                        .map(Lease::id)
                        .toList()));
    return ListLeasesResponse.newBuilder()
        .addAllLeases(rows(caller, ids, LeaseBook::lease, control.messages()::row))
        .build();
  }

  @Override
  public void listExecutors(
      ListExecutorsRequest request, StreamObserver<ListExecutorsResponse> call) {
    list(call, this::executors);
  }

  private ListExecutorsResponse executors(Caller caller) throws Refusal {
    List<String> ids =
        Replies.await(
            control.ask(
                caller,
                book -> book.executors().stream().limit(MAX_ROWS).map(Executor::id).toList()));
    return ListExecutorsResponse.newBuilder()
        .addAllExecutors(rows(caller, ids, LeaseBook::executor, this::row))
        .build();
  }

  private ExecutorRow row(Executor executor) {
    return ExecutorRow.newBuilder()
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
            Math.max(0, TimeUnit.NANOSECONDS.toMillis(clock.nowNs() - executor.lastHeardNs())))
        .setCordonReason(executor.cordonReason())
        .build();
  }

  private interface Listing<A> {
    A of(Caller caller) throws Refusal;
  }

  private interface Find<T> {
    @Nullable T in(LeaseBook book, String id);
  }

  /** Answers with a list, which counts as under way until it is sent or the caller is gone. */
  private <A> void list(StreamObserver<A> observer, Listing<A> listing) {
    ServerCallStreamObserver<A> call = (ServerCallStreamObserver<A>) observer;
    Caller caller = Caller.current();
    try {
      listings.enter(caller.name());
      call.setOnCloseHandler(() -> listings.leave(caller.name()));
      call.setOnCancelHandler(() -> listings.leave(caller.name()));
      call.onNext(listing.of(caller));
      call.onCompleted();
    } catch (Refusal | RuntimeException e) {
      call.onError(Replies.toGrpc(e));
    }
  }

  /** The rows of what is in the book still; it answers others' calls between some and the next. */
  private <T, R> List<R> rows(Caller caller, List<String> ids, Find<T> find, Function<T, R> row)
      throws Refusal {
    List<R> rows = new ArrayList<>(ids.size());
    for (int from = 0; from < ids.size(); from += ROWS_AT_A_TIME) {
      List<String> some = ids.subList(from, Math.min(from + ROWS_AT_A_TIME, ids.size()));
      rows.addAll(
          Replies.await(
              control.ask(
                  caller,
                  book -> {
                    List<R> these = new ArrayList<>(some.size());
                    for (String id : some) {
                      T found = find.in(book, id);
                      if (found != null) {
                        these.add(row.apply(found));
                      }
                    }
                    return these;
                  })));
    }
    return rows;
  }

  @Override
  public void listTenants(ListTenantsRequest request, StreamObserver<ListTenantsResponse> call) {
    list(call, this::tenants);
  }

  private ListTenantsResponse tenants(Caller caller) throws Refusal {
    List<TenantRow> rows =
        Replies.await(
            control.ask(
                caller,
                book ->
                    caller.operator()
                        ? book.accounts().stream()
                            .limit(MAX_ROWS)
                            .map(each -> row(book, each))
                            .toList()
                        : List.of(row(book, book.account(caller.name())))));
    return ListTenantsResponse.newBuilder()
        .addAllTenants(
            rows.stream().sorted(Comparator.comparing(row -> row.getPolicy().getTenant())).toList())
        .build();
  }

  private TenantRow row(LeaseBook book, Account account) {
    return TenantRow.newBuilder()
        .setPolicy(account.policy())
        .setLeases(account.leases())
        .setWindowBytes(account.windowBytes())
        .setDeviceMs(TimeUnit.NANOSECONDS.toMillis(account.deviceNs(clock.nowNs())))
        .setQueued(book.queued(account.policy().getTenant()))
        .build();
  }

  // What operators decide

  @Override
  public void revokeLease(RevokeLeaseRequest request, StreamObserver<RevokeLeaseResponse> call) {
    operate(
        call,
        RevokeLeaseResponse.getDefaultInstance(),
        operator ->
            control.revoke(
                operator,
                new Command.Revoke(
                    request.getLeaseId(),
                    graceNs(request.getGraceMs()),
                    by(operator, request.getReason()))));
  }

  @Override
  public void cordonExecutor(
      CordonExecutorRequest request, StreamObserver<CordonExecutorResponse> call) {
    operate(
        call,
        CordonExecutorResponse.getDefaultInstance(),
        operator ->
            control.operate(
                operator,
                new Command.Cordon(request.getExecutorId(), by(operator, request.getReason()))));
  }

  @Override
  public void uncordonExecutor(
      UncordonExecutorRequest request, StreamObserver<UncordonExecutorResponse> call) {
    operate(
        call,
        UncordonExecutorResponse.getDefaultInstance(),
        operator -> control.operate(operator, new Command.Uncordon(request.getExecutorId())));
  }

  @Override
  public void drainExecutor(
      DrainExecutorRequest request, StreamObserver<DrainExecutorResponse> call) {
    operate(
        call,
        DrainExecutorResponse.getDefaultInstance(),
        operator ->
            control.operate(
                operator,
                new Command.Drain(
                    request.getExecutorId(),
                    graceNs(request.getGraceMs()),
                    by(operator, request.getReason()))));
  }

  @Override
  public void setTenant(SetTenantRequest request, StreamObserver<SetTenantResponse> call) {
    operate(
        call,
        SetTenantResponse.getDefaultInstance(),
        operator ->
            control.operate(
                operator, new Command.SetTenant(request.getPolicy(), request.getResetUse())));
  }

  private interface Decision {
    CompletableFuture<Boolean> of(Caller operator) throws Refusal;
  }

  private static <A> void operate(StreamObserver<A> call, A answer, Decision decision) {
    try {
      Replies.await(decision.of(Caller.current()));
      call.onNext(answer);
      call.onCompleted();
    } catch (IllegalArgumentException e) {
      call.onError(Refusal.invalid(String.valueOf(e.getMessage())).toGrpc());
    } catch (Refusal | RuntimeException e) {
      call.onError(Replies.toGrpc(e));
    }
  }

  private static String by(Caller operator, String reason) {
    return "by operator %s: %s".formatted(operator.name(), AgentChecks.reason(reason));
  }

  private static long graceNs(long graceMs) {
    LeaseSpec.inRange("grace_ms", graceMs, 0, MAX_GRACE_MS);
    return TimeUnit.MILLISECONDS.toNanos(graceMs);
  }
}
