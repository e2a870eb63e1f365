package io.farwarp.gateway;

import static io.farwarp.gateway.GatewayFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.AdminServiceGrpc;
import io.farwarp.v1.CordonExecutorRequest;
import io.farwarp.v1.ExecutorRow;
import io.farwarp.v1.FunctionServiceGrpc;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.HeldLease;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseRow;
import io.farwarp.v1.LeaseServiceGrpc;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.ListExecutorsRequest;
import io.farwarp.v1.ListFunctionsRequest;
import io.farwarp.v1.ListLeasesRequest;
import io.farwarp.v1.ListTenantsRequest;
import io.farwarp.v1.ReleaseRequest;
import io.farwarp.v1.RenewRequest;
import io.farwarp.v1.SetTenantRequest;
import io.farwarp.v1.TenantPolicy;
import io.farwarp.v1.TenantRow;
import io.farwarp.v1.UncordonExecutorRequest;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A gateway that is killed again and again in the middle of load: what it has acknowledged it knows
 * when it is started again on the same directory.
 */
class GatewayKillTest {
  private static final int CLIENTS = 4;
  private static final int MOST_LEASES = 150;

  @TempDir Path data;

  /** By lease, whether it was released; a lease whose release was not answered is in neither. */
  private final Map<String, Boolean> leases = new ConcurrentHashMap<>();

  private final Set<String> functions = ConcurrentHashMap.newKeySet();

  /** The last policy that was acknowledged, and the one that was sent last. */
  private volatile int policy;

  private volatile int policySent;

  private volatile boolean cordoned;
  private volatile boolean cordonSent;
  private volatile long deviceMs;
  private volatile int pushes;
  private List<HeldLease> held = List.of();

  @Test
  void nothing_acknowledged_is_lost_by_kill_9() throws Exception {
    killTimes(4, new Random(1));
  }

  @Test
  @Tag("full")
  void nothing_acknowledged_is_lost_by_hundreds_of_kills() throws Exception {
    killTimes(300, new Random(2));
  }

  private void killTimes(int times, Random random) throws Exception {
    for (int i = 0; i < times; i++) {
      // The first answers are as likely to be in danger as later ones.
      round(i, 1 + random.nextInt(80), random.nextLong());
    }
    try (GatewayProcess gateway = GatewayProcess.ready(data)) {
      ManagedChannel agents = gateway.connect(data, "agent");
      var _ = attach(agents, times);
      check(gateway);
      agents.shutdownNow();
    }
  }

  /** The agents live on: they hold what they held. */
  private FakeAgent attach(ManagedChannel channel, int number) {
    FakeAgent idle = new FakeAgent(channel, "idle", number + 1, 1000);
    idle.attach(idle.hello(0).build()).ready();
    FakeAgent agent = new FakeAgent(channel, "exec-1", number + 1, 1000);
    agent.hold(held);
    return agent
        .attach(agent.hello(100_000).setMaxWorkers(10_000).addAllHeld(held).build())
        .ready();
  }

  private void round(int number, int answers, long seed) throws Exception {
    List<ManagedChannel> channels = new ArrayList<>();
    try (GatewayProcess gateway = GatewayProcess.ready(data)) {
      ManagedChannel agents = gateway.connect(data, "agent");
      channels.add(agents);
      FakeAgent agent = attach(agents, number);
      check(gateway);
      CountDownLatch answered = new CountDownLatch(answers);
      List<Thread> clients = new ArrayList<>();
      for (int client = 0; client < CLIENTS; client++) {
        ManagedChannel tenant = gateway.connect(data, "tenant");
        ManagedChannel operator = gateway.connect(data, "operator");
        channels.addAll(List.of(tenant, operator));
        Random random = new Random(seed + client);
        boolean decides = client == 0;
        clients.add(
            Thread.ofVirtual()
                .start(() -> untilKilled(tenant, operator, random, decides, answered)));
      }
      assertTrue(answered.await(60, TimeUnit.SECONDS), gateway::errors);
      gateway.kill9();
      for (Thread client : clients) {
        client.join();
      }
      held = agent.held();
    } finally {
      channels.forEach(ManagedChannel::shutdownNow);
    }
  }

  private void untilKilled(
      ManagedChannel tenant,
      ManagedChannel operator,
      Random random,
      boolean decides,
      CountDownLatch answered) {
    try {
      while (true) {
        if (decides && random.nextInt(4) == 0) {
          decide(AdminServiceGrpc.newBlockingStub(operator), random);
        } else {
          ask(tenant, random);
        }
        answered.countDown();
      }
    } catch (StatusRuntimeException e) {
      // The gateway is gone.
    }
  }

  private void ask(ManagedChannel tenant, Random random) {
    var stub = LeaseServiceGrpc.newBlockingStub(tenant);
    List<String> live =
        leases.entrySet().stream().filter(each -> !each.getValue()).map(Map.Entry::getKey).toList();
    int dice = random.nextInt(10);
    if (live.size() > MOST_LEASES || (dice < 3 && !live.isEmpty())) {
      String lease = live.get(random.nextInt(live.size()));
      if (leases.remove(lease, false)) {
        var _ = stub.release(ReleaseRequest.newBuilder().setLeaseId(lease).build());
        leases.put(lease, true);
      }
    } else if (dice < 5 && !live.isEmpty()) {
      String lease = live.get(random.nextInt(live.size()));
      if (leases.remove(lease, false)) {
        var _ =
            stub.renew(RenewRequest.newBuilder().setLeaseId(lease).setDurationMs(900_000).build());
        leases.put(lease, false);
      }
    } else if (dice == 9) {
      String version = "v" + pushes++;
      functions.add(
          TestPackages.push(tenant, TestPackages.of("f", version, "// " + version)).getVersion());
    } else {
      acquire(stub);
    }
  }

  private void acquire(LeaseServiceGrpc.LeaseServiceBlockingStub stub) {
    Iterator<LeaseEvent> events =
        stub.acquire(request(2).setShareMillis(1).setDurationMs(600_000).build());
    while (events.hasNext()) {
      LeaseEvent event = events.next();
      if (event.getState() == LeaseState.ACTIVE) {
        leases.put(event.getLeaseId(), false);
      }
    }
  }

  private void decide(AdminServiceGrpc.AdminServiceBlockingStub stub, Random random) {
    switch (random.nextInt(3)) {
      case 0 -> {
        int next = policy + 1;
        policySent = next;
        var _ =
            stub.setTenant(
                SetTenantRequest.newBuilder()
                    .setPolicy(
                        TenantPolicy.newBuilder().setTenant("default").setMaxLeases(10_000 + next))
                    .build());
        policy = next;
      }
      case 1 -> {
        cordonSent = !cordoned;
        if (cordoned) {
          var _ =
              stub.uncordonExecutor(
                  UncordonExecutorRequest.newBuilder().setExecutorId("idle").build());
        } else {
          var _ =
              stub.cordonExecutor(CordonExecutorRequest.newBuilder().setExecutorId("idle").build());
        }
        cordoned = cordonSent;
      }
      default -> deviceMs = usedMs(stub);
    }
  }

  private static long usedMs(AdminServiceGrpc.AdminServiceBlockingStub stub) {
    return tenant(stub).getDeviceMs();
  }

  private static TenantRow tenant(AdminServiceGrpc.AdminServiceBlockingStub stub) {
    return stub.listTenants(ListTenantsRequest.getDefaultInstance()).getTenantsList().stream()
        .filter(row -> row.getPolicy().getTenant().equals("default"))
        .findFirst()
        .orElse(TenantRow.getDefaultInstance());
  }

  private void check(GatewayProcess gateway) throws IOException {
    ManagedChannel tenant = gateway.connect(data, "tenant");
    ManagedChannel operator = gateway.connect(data, "operator");
    try {
      var admin = AdminServiceGrpc.newBlockingStub(operator);
      Set<String> active =
          admin.listLeases(ListLeasesRequest.getDefaultInstance()).getLeasesList().stream()
              .filter(row -> row.getState() == LeaseState.ACTIVE)
              .map(LeaseRow::getLeaseId)
              .collect(Collectors.toSet());
      leases.forEach((lease, released) ->
          assertEquals(!released, active.contains(lease), lease + " of " + active));
      Set<String> listed =
          FunctionServiceGrpc.newBlockingStub(tenant)
              .list(ListFunctionsRequest.getDefaultInstance())
              .getFunctionsList()
              .stream()
              .map(FunctionVersion::getVersion)
              .collect(Collectors.toSet());
      assertTrue(listed.containsAll(functions), () -> functions + " but " + listed);
      TenantRow row = tenant(admin);
      int kept = Math.max(0, row.getPolicy().getMaxLeases() - 10_000);
      assertTrue(kept == policy || kept == policySent, kept + " but " + policy);
      policy = kept;
      assertTrue(row.getDeviceMs() >= deviceMs, row.getDeviceMs() + " but " + deviceMs);
      boolean idleCordoned =
          admin.listExecutors(ListExecutorsRequest.getDefaultInstance()).getExecutorsList().stream()
              .filter(each -> each.getExecutorId().equals("idle"))
              .map(ExecutorRow::getState)
              .toList()
              .equals(List.of("cordoned"));
      assertTrue(
          idleCordoned == cordoned || idleCordoned == cordonSent, "cordoned " + idleCordoned);
      cordoned = idleCordoned;
    } finally {
      tenant.shutdownNow();
      operator.shutdownNow();
    }
  }
}
