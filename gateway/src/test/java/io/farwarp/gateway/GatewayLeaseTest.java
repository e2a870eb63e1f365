package io.farwarp.gateway;

import static io.farwarp.gateway.GatewayFixture.lastEvent;
import static io.farwarp.gateway.GatewayFixture.refused;
import static io.farwarp.gateway.GatewayFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.InvalidProtocolBufferException;
import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.GatewayMessage.MessageCase;
import io.farwarp.v1.Lease;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseRow;
import io.farwarp.v1.LeaseServiceGrpc;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.ListExecutorsRequest;
import io.farwarp.v1.ListLeasesRequest;
import io.farwarp.v1.PrepareLease;
import io.farwarp.v1.ReleaseRequest;
import io.farwarp.v1.RenewRequest;
import io.farwarp.v1.RevokeLeaseRequest;
import io.farwarp.v1.SignedLeaseToken;
import io.farwarp.v1.WatchRequest;
import io.farwarp.wire.Ed25519;
import io.farwarp.wire.Wire;
import io.grpc.Context;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Leases from the outside: real calls, an agent that speaks for itself. */
class GatewayLeaseTest {
  @TempDir Path directory;
  private GatewayFixture gateway;

  @BeforeEach
  void start() throws GatewayException {
    gateway = new GatewayFixture(directory.resolve("data"));
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  private LeaseToken verified(FakeAgent agent, Lease lease, int worker)
      throws InvalidProtocolBufferException {
    SignedLeaseToken signed = SignedLeaseToken.parseFrom(lease.getWorkers(worker).getToken());
    assertTrue(
        Ed25519.verify(
            Await.future(agent.welcome).getTokenPublicKey().toByteArray(),
            Wire.TOKEN_CONTEXT,
            signed.getSignature().toByteArray(),
            signed.getToken().toByteArray()));
    return LeaseToken.parseFrom(signed.getToken());
  }

  private LeaseRow row(String leaseId) {
    return gateway
        .admin("operator")
        .listLeases(ListLeasesRequest.newBuilder().setEnded(true).build())
        .getLeasesList()
        .stream()
        .filter(row -> row.getLeaseId().equals(leaseId))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void acquired_lease_has_a_token_for_each_worker_that_verifies_offline() throws Exception {
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(7).setWorkers(2).setShareMillis(500).setHotUs(77));
    assertEquals("exec-1", lease.getExecutorId());
    assertEquals("PTX CPU device (no GPU)", lease.getDeviceName());
    assertEquals(8L << 20, lease.getWindowBytes());
    assertTrue(lease.getTtlMs() > 50_000 && lease.getTtlMs() <= 60_000);
    PrepareLease prepare = agent.prepares().getFirst();
    assertEquals("default", prepare.getTenant());
    assertTrue(prepare.getTtlMs() >= 60_000);
    for (int worker = 0; worker < 2; worker++) {
      LeaseToken token = verified(agent, lease, worker);
      assertEquals(lease.getLeaseId(), token.getLeaseId());
      assertEquals(worker, token.getWorkerIndex());
      assertEquals("default", token.getTenant());
      assertEquals("exec-1", token.getExecutorId());
      assertEquals(8L << 20, token.getWindowBytes());
      assertEquals(77, token.getHotUs());
      assertEquals(0, token.getRenewal());
      long lifeMs = token.getExpiresAtUnixMs() - prepare.getIssuedAtUnixMs();
      assertTrue(lifeMs >= 60_000 && lifeMs < 90_000, "life of " + lifeMs);
    }
    agent.awaitExtensions(lease.getLeaseId(), 1);
    assertEquals(60_000, agent.extensions(lease.getLeaseId()).getFirst().getTtlMs());
  }

  @Test
  void renewed_lease_has_a_newer_token_and_its_agent_hears_of_it() throws Exception {
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(2));
    Lease renewed =
        gateway
            .leases()
            .renew(
                RenewRequest.newBuilder()
                    .setLeaseId(lease.getLeaseId())
                    .setDurationMs(120_000)
                    .build());
    LeaseToken token = verified(agent, renewed, 0);
    assertEquals(1, token.getRenewal());
    assertTrue(
        token.getExpiresAtUnixMs() > verified(agent, lease, 0).getExpiresAtUnixMs() + 50_000);
    assertTrue(renewed.getTtlMs() > 110_000);
    agent.awaitExtensions(lease.getLeaseId(), 2);
    assertEquals(120_000, agent.extensions(lease.getLeaseId()).getLast().getTtlMs());
    assertEquals(
        token.getExpiresAtUnixMs(),
        agent.extensions(lease.getLeaseId()).getLast().getExpiresAtUnixMs());
  }

  @Test
  void released_lease_ends_at_its_agent_and_may_be_released_again() {
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(64));
    ReleaseRequest release = ReleaseRequest.newBuilder().setLeaseId(lease.getLeaseId()).build();
    gateway.leases().release(release);
    gateway.leases().release(release);
    agent.await(MessageCase.REVOKE, 1);
    assertEquals(LeaseState.RELEASED, row(lease.getLeaseId()).getState());
    assertEquals(64L << 20, gateway.acquire(request(64)).getWindowBytes());
    String late =
        refused(
            Code.FAILED_PRECONDITION,
            () ->
                gateway
                    .leases()
                    .renew(
                        RenewRequest.newBuilder()
                            .setLeaseId(lease.getLeaseId())
                            .setDurationMs(1000)
                            .build()));
    assertTrue(late.contains("RELEASED"), late);
  }

  @Test
  void lease_that_is_not_renewed_expires() {
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(2).setDurationMs(1000));
    Iterator<LeaseEvent> watch =
        gateway.leases().watch(WatchRequest.newBuilder().setLeaseId(lease.getLeaseId()).build());
    LeaseEvent now = watch.next();
    assertEquals(LeaseState.ACTIVE, now.getState());
    assertTrue(now.getLease().getWorkers(0).getToken().isEmpty());
    LeaseEvent end = lastEvent(watch, LeaseState.EXPIRED);
    assertEquals("LEASE_EXPIRED", end.getStatus());
    agent.await(MessageCase.REVOKE, 1);
  }

  @Test
  void queue_is_served_in_order_and_says_places() throws Exception {
    gateway.agent("exec-1", 64);
    Lease first = gateway.acquire(request(64));
    Iterator<LeaseEvent> second = gateway.leases().acquire(request(64).build());
    LeaseEvent waits = second.next();
    assertEquals(LeaseState.QUEUED, waits.getState());
    assertEquals(1, waits.getPlace());
    assertTrue(waits.getReason().contains("exec-1"), waits.getReason());
    Iterator<LeaseEvent> third = gateway.leases().acquire(request(64).build());
    assertEquals(2, third.next().getPlace());
    gateway.leases().release(ReleaseRequest.newBuilder().setLeaseId(first.getLeaseId()).build());
    LeaseEvent active = lastEvent(second, LeaseState.ACTIVE);
    assertEquals(LeaseState.QUEUED, row(waitingId()).getState());
    gateway.leases().release(ReleaseRequest.newBuilder().setLeaseId(active.getLeaseId()).build());
    lastEvent(third, LeaseState.ACTIVE);
  }

  private String waitingId() {
    return gateway
        .admin("tenant")
        .listLeases(ListLeasesRequest.getDefaultInstance())
        .getLeasesList()
        .stream()
        .filter(row -> row.getState() == LeaseState.QUEUED)
        .findFirst()
        .orElseThrow()
        .getLeaseId();
  }

  @Test
  void wait_limit_ends_the_request_with_what_was_missing() {
    gateway.agent("exec-1", 64);
    LeaseEvent end =
        lastEvent(gateway.leases().acquire(request(128).setWaitMs(100).build()), LeaseState.FAILED);
    assertEquals("RESOURCE_EXHAUSTED", end.getStatus());
    assertTrue(end.getReason().contains("64.0 MiB"), end.getReason());
    lastEvent(gateway.leases().acquire(request(128).setWaitMs(0).build()), LeaseState.FAILED);
  }

  @Test
  void cancelled_acquire_withdraws_the_request() {
    gateway.agent("exec-1", 64);
    Lease holder = gateway.acquire(request(64));
    Context.CancellableContext call = Context.current().withCancellation();
    Iterator<LeaseEvent> waiting;
    try {
      waiting = call.call(() -> gateway.leases().acquire(request(64).build()));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
    String leaseId = waiting.next().getLeaseId();
    call.cancel(null);
    lastEvent(
        gateway.leases().watch(WatchRequest.newBuilder().setLeaseId(leaseId).build()),
        LeaseState.RELEASED);
    gateway.leases().release(ReleaseRequest.newBuilder().setLeaseId(holder.getLeaseId()).build());
    gateway.acquire(request(64));
  }

  @Test
  void cancelled_acquire_releases_a_lease_that_is_being_prepared() {
    FakeAgent agent = gateway.agent("exec-1", 64);
    agent.answersPrepare = false;
    Context.CancellableContext call = Context.current().withCancellation();
    Iterator<LeaseEvent> waiting;
    try {
      waiting = call.call(() -> gateway.leases().acquire(request(64).build()));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
    assertEquals(LeaseState.PREPARING, waiting.next().getState());
    call.cancel(null);
    agent.await(MessageCase.REVOKE, 1);
    agent.answersPrepare = true;
    gateway.acquire(request(64));
  }

  @Test
  void same_request_sent_twice_is_one_lease() {
    FakeAgent agent = gateway.agent("exec-1", 64);
    AcquireRequest.Builder request = request(2);
    Lease first = gateway.acquire(request);
    Lease again = gateway.acquire(request);
    assertEquals(first.getLeaseId(), again.getLeaseId());
    assertFalse(again.getWorkers(0).getToken().isEmpty());
    assertEquals(1, agent.prepares().size());
    String other =
        refused(
            Code.INVALID_ARGUMENT,
            () -> gateway.leases().acquire(request.setWorkers(2).build()).next());
    assertTrue(other.contains(first.getLeaseId()), other);
  }

  @Test
  void agents_refusal_reaches_the_client() {
    gateway.agent("exec-1", 64).prepareError = "RLIMIT_MEMLOCK is 64 KiB: raise it";
    LeaseEvent end = lastEvent(gateway.leases().acquire(request(2).build()), LeaseState.FAILED);
    assertTrue(end.getReason().contains("RLIMIT_MEMLOCK is 64 KiB"), end.getReason());
  }

  @Test
  void reasons_carry_no_terminal_controls() {
    gateway.agent("exec-1", 64).prepareError = "file \u001b]0;x\u0007\u009b2J\u202e\nL-1 is yours";
    LeaseEvent end = lastEvent(gateway.leases().acquire(request(2).build()), LeaseState.FAILED);
    assertTrue(end.getReason().endsWith(": file ?]0;x??2J? L-1 is yours"), end.getReason());
  }

  @Test
  void worker_that_dies_ends_the_lease_for_who_watches() {
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(2));
    Iterator<LeaseEvent> watch =
        gateway.leases().watch(WatchRequest.newBuilder().setLeaseId(lease.getLeaseId()).build());
    assertEquals(LeaseState.ACTIVE, watch.next().getState());
    agent.end(lease.getLeaseId(), LeaseState.FAILED);
    LeaseEvent end = lastEvent(watch, LeaseState.FAILED);
    assertEquals("ended by the agent", end.getReason());
    assertEquals("WORKER_LOST", end.getStatus());
  }

  @Test
  void operator_revokes_and_says_why() {
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(2));
    RevokeLeaseRequest revoke =
        RevokeLeaseRequest.newBuilder()
            .setLeaseId(lease.getLeaseId())
            .setReason("maintenance")
            .build();
    refused(Code.PERMISSION_DENIED, () -> gateway.admin("tenant").revokeLease(revoke));
    gateway.admin("operator").revokeLease(revoke);
    agent.await(MessageCase.REVOKE, 1);
    assertEquals(LeaseState.REVOKED, row(lease.getLeaseId()).getState());
    assertEquals("by operator operator: maintenance", row(lease.getLeaseId()).getReason());
  }

  @Test
  void executors_are_listed_with_what_is_used() {
    gateway.agent("exec-1", 64);
    gateway.acquire(request(2));
    var rows = gateway.admin("tenant").listExecutors(ListExecutorsRequest.getDefaultInstance());
    assertEquals(1, rows.getExecutorsCount());
    assertEquals("attached", rows.getExecutors(0).getState());
    assertEquals(2L << 20, rows.getExecutors(0).getWindowUsedBytes());
    assertEquals(1, rows.getExecutors(0).getLeases());
  }

  @Test
  void bad_requests_are_refused_by_field() {
    String bad =
        refused(
            Code.INVALID_ARGUMENT,
            () -> gateway.leases().acquire(request(2).setWindowBytes(-1).build()).next());
    assertEquals("window_bytes is -1; it takes 4096 to 1099511627776", bad);
    refused(
        Code.NOT_FOUND,
        () -> gateway.leases().acquire(request(2).addFunctions("nothing:1").build()).next());
    refused(
        Code.NOT_FOUND,
        () -> gateway.leases().release(ReleaseRequest.newBuilder().setLeaseId("L-x").build()));
  }

  @Test
  void another_tenants_lease_is_not_found() throws Exception {
    gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(2));
    String token = TestCredentials.add(gateway.directory, "other", "tenant");
    gateway.restart();
    LeaseServiceGrpc.LeaseServiceBlockingStub other =
        LeaseServiceGrpc.newBlockingStub(gateway.withToken(token));
    String leaseId = lease.getLeaseId();
    for (Executable call :
        List.<Executable>of(
            () -> other.release(ReleaseRequest.newBuilder().setLeaseId(leaseId).build()),
            () -> other.watch(WatchRequest.newBuilder().setLeaseId(leaseId).build()).next(),
            () ->
                other.renew(
                    RenewRequest.newBuilder().setLeaseId(leaseId).setDurationMs(1000).build()))) {
      refused(Code.NOT_FOUND, call);
    }
  }

  @Test
  void list_that_takes_the_book_several_turns_is_whole_and_in_order() {
    List<String> asked = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      LeaseEvent failed =
          lastEvent(
              gateway.leases().acquire(request(1 << 20).setWaitMs(0).build()), LeaseState.FAILED);
      asked.add(failed.getLeaseId());
    }
    assertEquals(
        asked,
        gateway
            .admin("tenant")
            .listLeases(ListLeasesRequest.newBuilder().setEnded(true).build())
            .getLeasesList()
            .stream()
            .map(LeaseRow::getLeaseId)
            .toList());
  }

  @Test
  void calls_that_watch_one_lease_are_limited() throws Exception {
    gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(2));
    WatchRequest request = WatchRequest.newBuilder().setLeaseId(lease.getLeaseId()).build();
    Context.CancellableContext one = Context.current().withCancellation();
    assertEquals(
        LeaseState.ACTIVE, one.call(() -> gateway.leases().watch(request).next()).getState());
    List<Iterator<LeaseEvent>> watches = new ArrayList<>();
    for (int i = 1; i < ControlWires.MAX_WATCHES; i++) {
      Iterator<LeaseEvent> watch = gateway.leases().watch(request);
      assertEquals(LeaseState.ACTIVE, watch.next().getState());
      watches.add(watch);
    }
    String why = refused(Code.RESOURCE_EXHAUSTED, () -> gateway.leases().watch(request).next());
    assertTrue(why.contains("is watched by 64 calls, which is the limit"), why);
    var _ = one.cancel(null);
    Await.answer("a watch is let in again", () -> watched(request));
    gateway.leases().release(ReleaseRequest.newBuilder().setLeaseId(lease.getLeaseId()).build());
    watches.forEach(watch -> lastEvent(watch, LeaseState.RELEASED));
  }

  private boolean watched(WatchRequest request) {
    try {
      return gateway.leases().watch(request).next().getState() == LeaseState.ACTIVE;
    } catch (StatusRuntimeException e) {
      return false;
    }
  }
}
