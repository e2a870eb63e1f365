package io.farwarp.gateway;

import static io.farwarp.gateway.GatewayFixture.lastEvent;
import static io.farwarp.gateway.GatewayFixture.refused;
import static io.farwarp.gateway.GatewayFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.AgentDraining;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.AgentMessage;
import io.farwarp.v1.GatewayMessage.MessageCase;
import io.farwarp.v1.Heartbeat;
import io.farwarp.v1.Lease;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.ListExecutorsRequest;
import io.farwarp.v1.ListLeasesRequest;
import io.farwarp.v1.ReleaseRequest;
import io.farwarp.v1.RenewRequest;
import io.farwarp.v1.WatchRequest;
import io.grpc.Status.Code;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Agents that fall silent, come back and misbehave; a gateway that restarts. */
class GatewayFleetTest {
  @TempDir Path directory;
  private GatewayFixture gateway;

  @AfterEach
  void stop() {
    gateway.close();
  }

  private void start(long heartbeatMs) throws GatewayException {
    gateway =
        new GatewayFixture(
            directory.resolve("data"), config -> config.withHeartbeatMs(heartbeatMs));
  }

  private LeaseState state(String leaseId) {
    return gateway
        .admin("operator")
        .listLeases(ListLeasesRequest.newBuilder().setEnded(true).build())
        .getLeasesList()
        .stream()
        .filter(row -> row.getLeaseId().equals(leaseId))
        .findFirst()
        .orElseThrow()
        .getState();
  }

  private String executorState() {
    return gateway
        .admin("operator")
        .listExecutors(ListExecutorsRequest.getDefaultInstance())
        .getExecutors(0)
        .getState();
  }

  @Test
  void silent_agents_leases_are_lost_and_their_holders_told() throws Exception {
    start(300);
    FakeAgent agent = gateway.agent("exec-1", 64);
    assertEquals(300, Await.future(agent.welcome).getHeartbeatMs());
    Lease lease = gateway.acquire(request(64));
    Iterator<LeaseEvent> watch =
        gateway.leases().watch(WatchRequest.newBuilder().setLeaseId(lease.getLeaseId()).build());
    agent.beats = false;
    LeaseEvent lost = lastEvent(watch, LeaseState.LOST);
    assertTrue(lost.getReason().contains("exec-1 has been silent"), lost.getReason());
    assertEquals("WORKER_LOST", lost.getStatus());
    String closed = Await.future(agent.over);
    assertTrue(closed.contains("no heartbeat"), closed);
    assertEquals("silent", executorState());
    // It comes back with the lease: its slice is granted again when it has ended it, not before.
    FakeAgent back = gateway.agentUnattached("exec-1");
    back.attach(back.hello(64).addAllHeld(agent.held()).build()).ready();
    assertEquals(List.of(lease.getLeaseId()), Await.future(back.welcome).getEndLeasesList());
    lastEvent(gateway.leases().acquire(request(64).setWaitMs(0).build()), LeaseState.FAILED);
    back.end(lease.getLeaseId(), LeaseState.REVOKED);
    gateway.acquire(request(64));
  }

  @Test
  void agent_that_reattaches_in_time_keeps_its_leases() throws Exception {
    start(1000);
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(2));
    agent.close();
    Await.answer("detached", () -> executorState().equals("detached"));
    FakeAgent back = gateway.agentUnattached("exec-1");
    back.attach(back.hello(64).addAllHeld(agent.held()).build()).ready();
    assertEquals(0, Await.future(back.welcome).getEndLeasesCount());
    assertEquals(LeaseState.ACTIVE, state(lease.getLeaseId()));
    gateway.leases().release(ReleaseRequest.newBuilder().setLeaseId(lease.getLeaseId()).build());
    back.await(MessageCase.REVOKE, 1);
  }

  @Test
  void agent_that_died_and_came_back_has_lost_its_leases() throws Exception {
    start(1000);
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(64));
    FakeAgent next = gateway.agent("exec-1", 64);
    assertFalse(Await.future(agent.over).isEmpty());
    assertEquals(LeaseState.LOST, state(lease.getLeaseId()));
    assertEquals("exec-1", gateway.acquire(request(64)).getExecutorId());
    assertEquals(1, next.prepares().size());
  }

  @Test
  void restarted_gateway_picks_running_leases_up_again() throws Exception {
    start(1000);
    FakeAgent agent = gateway.agent("exec-1", 64);
    AcquireRequest.Builder request = request(32).setShareMillis(500);
    Lease lease = gateway.acquire(request);
    Lease ended = gateway.acquire(request(2).setShareMillis(1));
    gateway.leases().release(ReleaseRequest.newBuilder().setLeaseId(ended.getLeaseId()).build());
    gateway.restart();
    Await.future(agent.over);
    FakeAgent back = gateway.agentUnattached("exec-1");
    back.attach(back.hello(64).addAllHeld(agent.held()).build()).ready();
    assertEquals(List.of(), Await.future(back.welcome).getEndLeasesList());
    assertEquals(LeaseState.ACTIVE, state(lease.getLeaseId()));
    // The same request, sent again by a client that did not see the answer.
    Lease again = gateway.acquire(request);
    assertEquals(lease.getLeaseId(), again.getLeaseId());
    assertTrue(again.getTtlMs() <= 60_000);
    Lease renewed =
        gateway
            .leases()
            .renew(
                RenewRequest.newBuilder()
                    .setLeaseId(lease.getLeaseId())
                    .setDurationMs(120_000)
                    .build());
    assertTrue(renewed.getTtlMs() > 110_000);
    assertEquals(lease.getWorkers(0).getAddressesList(), renewed.getWorkers(0).getAddressesList());
    assertEquals(
        32L << 20,
        gateway
            .admin("operator")
            .listExecutors(ListExecutorsRequest.getDefaultInstance())
            .getExecutors(0)
            .getWindowUsedBytes());
  }

  @Test
  void gateway_that_lost_its_store_ends_what_agents_still_hold() throws Exception {
    start(1000);
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease lease = gateway.acquire(request(64));
    gateway.close();
    gateway = new GatewayFixture(directory.resolve("other"));
    FakeAgent back = gateway.agentUnattached("exec-1");
    back.attach(back.hello(64).addAllHeld(agent.held()).build()).ready();
    assertEquals(List.of(lease.getLeaseId()), Await.future(back.welcome).getEndLeasesList());
    lastEvent(gateway.leases().acquire(request(64).setWaitMs(0).build()), LeaseState.FAILED);
    back.end(lease.getLeaseId(), LeaseState.REVOKED);
    gateway.acquire(request(64));
  }

  @Test
  void draining_agent_gets_no_new_lease() throws Exception {
    start(1000);
    FakeAgent agent = gateway.agent("exec-1", 64);
    agent.send(AgentMessage.newBuilder().setDraining(AgentDraining.getDefaultInstance()));
    Await.answer("draining", () -> executorState().equals("draining"));
    lastEvent(gateway.leases().acquire(request(2).setWaitMs(0).build()), LeaseState.FAILED);
  }

  @Test
  void agent_that_breaks_the_protocol_loses_its_stream_only() throws Exception {
    start(1000);
    FakeAgent good = gateway.agent("exec-1", 64);
    FakeAgent noHello = gateway.agentUnattached("exec-2");
    noHello.attach(noHello.hello(64).setExecutorId("../etc").build());
    assertTrue(Await.future(noHello.over).contains("executor_id \"../etc\""));
    FakeAgent negative = gateway.agentUnattached("exec-3");
    negative.attach(negative.hello(64).setWindowCapacityBytes(-5).build());
    assertTrue(Await.future(negative.over).contains("window_capacity_bytes is -5"));
    FakeAgent capable = gateway.agentUnattached("exec-6");
    AgentHello.Builder hello = capable.hello(64);
    hello.getDevicesBuilder(0).setComputeCapability(90);
    capable.attach(hello.build());
    assertTrue(Await.future(capable.over).contains("compute_capability of a PTX_CPU device is 90"));
    FakeAgent talkative = gateway.agentUnattached("exec-7");
    talkative.attach(talkative.hello(64).addTransports("pigeons-and-smoke").build());
    assertTrue(Await.future(talkative.over).contains("transport length is 17"));
    FakeAgent twice = gateway.agent("exec-4", 64);
    twice.send(AgentMessage.newBuilder().setHello(twice.hello(64)));
    assertTrue(Await.future(twice.over).contains("second hello"));
    FakeAgent empty = gateway.agent("exec-5", 64);
    empty.send(AgentMessage.newBuilder());
    assertTrue(Await.future(empty.over).contains("unknown kind"));
    good.send(AgentMessage.newBuilder().setHeartbeat(Heartbeat.getDefaultInstance()));
    assertFalse(good.over.isDone());
    assertEquals("exec-1", gateway.acquire(request(2)).getExecutorId());
  }

  @Test
  void executor_id_of_another_host_is_refused() throws Exception {
    start(1000);
    gateway.agent("exec-1", 64);
    FakeAgent other = gateway.agentUnattached("exec-1");
    other.attach(other.hello(64).setHostId("host-2").build());
    assertTrue(Await.future(other.over).contains("in use by another host"));
  }

  @Test
  void tenant_cannot_attach_as_an_agent() throws Exception {
    start(1000);
    FakeAgent agent = new FakeAgent(gateway.as("tenant"), "exec-1", 1, 1000);
    agent.attach(64);
    assertTrue(Await.future(agent.over).contains("role agent"));
    refused(
        Code.PERMISSION_DENIED, () -> gateway.leases("agent").acquire(request(2).build()).next());
  }
}
