package io.farwarp.system;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;
import static io.farwarp.client.Argument.scalar;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.client.ConnectOptions;
import io.farwarp.client.Farwarp;
import io.farwarp.client.FarwarpException;
import io.farwarp.client.GatewayException;
import io.farwarp.client.InvocationException;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.PreparedInvocation;
import io.farwarp.client.RemoteFunction;
import io.farwarp.client.Session;
import io.farwarp.client.Tensor;
import io.farwarp.v1.ElementType;
import io.farwarp.wire.Status;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every party is killed with -9 in the middle of work, or made to hang; nobody else loses anything.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class KillTest {
  private static final int ELEMENTS = 64 * 1024;
  private static final int CALLS = 100;
  private static final int ENDLESS = Integer.MAX_VALUE;
  private static final Duration PATIENCE = Patience.of(Duration.ofSeconds(30));

  /** A second is what is promised; the rest is for a machine that has other things to do. */
  private static final long PROMPT_S = Patience.seconds(5);

  @TempDir Path directory;
  private Cluster cluster;
  private Farwarp farwarp;

  @BeforeEach
  void start() throws Exception {
    cluster = Cluster.start(directory);
    farwarp = connect();
    farwarp.functions().push(TestFunctions.work());
    farwarp.functions().push(TestFunctions.spin());
    farwarp.functions().push(TestFunctions.wild());
  }

  private Farwarp connect() {
    return Farwarp.connect(ConnectOptions.to(cluster.address).tokenFile(cluster.tenantToken()));
  }

  @AfterEach
  void stop() throws Exception {
    try (Cluster closing = cluster) {
      if (farwarp != null) {
        farwarp.close();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.farwarp.system.DataPaths#tested")
  @Tag("data-path")
  void a_killed_worker_fails_a_hundred_invocations_at_once_and_a_new_lease_works(String transport)
      throws Exception {
    try (Lease lease = lease();
        Session session = lease.open(DataPaths.session(transport));
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      RemoteFunction work = session.function("work:1");
      Tensor from = session.tensor(ElementType.F32, ELEMENTS);
      CountDownLatch calling = new CountDownLatch(CALLS);
      List<CompletableFuture<FarwarpException>> ends = new ArrayList<>();
      for (int i = 0; i < CALLS; i++) {
        Tensor to = session.tensor(ElementType.F32, ELEMENTS);
        Executable call =
            () -> work.invoke(in(from), out(to), scalar(ELEMENTS), scalar(ENDLESS)).await(PATIENCE);
        ends.add(
            CompletableFuture.supplyAsync(
                () -> {
                  calling.countDown();
                  return assertThrows(FarwarpException.class, call);
                },
                callers));
      }
      assertTrue(calling.await(20, TimeUnit.SECONDS));
      // A session has so many slots; the other callers wait for one.
      Cluster.await("every slot is taken", 20, () -> session.inFlight() == session.maxInFlight());
      onlyWorker().destroyForcibly();
      CompletableFuture.allOf(ends.toArray(CompletableFuture[]::new))
          .get(PROMPT_S, TimeUnit.SECONDS);
      for (CompletableFuture<FarwarpException> end : ends) {
        FarwarpException failure = end.join();
        assertTrue(
            failure.status() == Status.WORKER_LOST || failure.status() == Status.LINK_BROKEN,
            failure.toString());
        assertTrue(failure.getMessage().contains("worker"), failure.toString());
      }
      Cluster.await("the lease has ended", 20, () -> !lease.isLive());
    }
    try (Lease again = lease();
        Session session = again.open(DataPaths.session(transport))) {
      Work.assertComputes(session);
    }
  }

  @Test
  void a_killed_client_gives_its_lease_and_its_memory_back() throws Exception {
    FarwarpProcess client =
        FarwarpProcess.startMain(
            HoldingClient.class.getName(),
            directory,
            Map.of(),
            cluster.address,
            cluster.tenantToken().toString(),
            "120000",
            TestedDevice.OPTION);
    client.awaitLine("holding ");
    assertEquals(1, farwarp.leases().size());
    client.kill();
    // Long before its end: the worker waits 10 s for its client to come back.
    Cluster.await("the lease is gone", 30, () -> farwarp.leases().isEmpty());
    Cluster.await(
        "the executor's memory is free",
        20,
        () -> farwarp.executors().getFirst().getWindowUsedBytes() == 0);
    Cluster.await("the worker is gone", 20, () -> workers().isEmpty());
  }

  @ParameterizedTest
  @MethodSource("io.farwarp.system.DataPaths#tested")
  @Tag("data-path-full")
  void a_gateway_killed_in_the_middle_of_a_run_costs_no_invocation(String transport)
      throws Exception {
    try (Lease lease = lease();
        Session session = lease.open(DataPaths.session(transport))) {
      Tensor flag = session.tensor(ElementType.U32, 1);
      Tensor seen = session.tensor(ElementType.U32, 1);
      flag.segment().set(ValueLayout.JAVA_INT, 0, 0);
      Tensor from = Work.numbers(session);
      RemoteFunction work = session.function("work:1");
      PreparedInvocation running = session.function("spin:1").prepare(in(flag), out(seen));
      running.post(PATIENCE.toNanos());
      Map<PreparedInvocation, Tensor> queued = new LinkedHashMap<>();
      for (int i = 1; i < session.maxInFlight() / 2; i++) {
        Tensor to = session.tensor(ElementType.F32, from.elements());
        PreparedInvocation call =
            work.prepare(in(from), out(to), scalar((int) from.elements()), scalar(2));
        call.post(PATIENCE.toNanos());
        queued.put(call, to);
      }
      cluster.gateway().kill();
      assertEquals(1 + queued.size(), session.inFlight(), "the gateway was killed too late");
      flag.segment().set(ValueLayout.JAVA_INT, 0, 1);
      flag.push().await(PATIENCE);
      assertEquals(Status.OK, running.await());
      assertEquals(1, seen.segment().get(ValueLayout.JAVA_INT, 0));
      queued.forEach((call, to) -> {
        assertEquals(Status.OK, call.await());
        Work.assertWorked(to);
      });
      cluster.restartGateway();
    }
  }

  @Test
  void a_killed_gateway_stops_no_running_session_and_picks_it_up_again() throws Exception {
    try (Lease lease = lease();
        Session session = lease.open()) {
      Work.assertComputes(session);
      cluster.gateway().kill();
      for (int i = 0; i < 50; i++) {
        Work.assertComputes(session);
      }
      cluster.restartGateway();
      Cluster.await("the agent is back, seen by this client", 60, this::isAgentSeen);
      assertEquals(
          List.of(lease.id()), farwarp.leases().stream().map(row -> row.getLeaseId()).toList());
      lease.renew(Duration.ofMinutes(10));
      Work.assertComputes(session);
    }
    Cluster.await("the released lease is gone", 20, () -> farwarp.leases().isEmpty());
  }

  @ParameterizedTest
  @MethodSource("io.farwarp.system.DataPaths#tested")
  @Tag("data-path-full")
  void an_idle_client_that_is_there_keeps_its_session(String transport) throws Exception {
    try (Lease lease = lease();
        Session session = lease.open(DataPaths.session(transport))) {
      FarwarpException refused = assertThrows(FarwarpException.class, lease::open);
      assertEquals(Status.ALREADY_CONNECTED, refused.status());
      Work.assertComputes(session);
    }
  }

  @Test
  void a_lease_closed_with_its_session_ends_at_once_although_the_gateway_is_gone()
      throws Exception {
    try (Lease lease = lease();
        Session session = lease.open()) {
      Work.assertComputes(session);
      cluster.gateway().kill();
      lease.close();
      Cluster.await("the worker is gone", 20, () -> workers().isEmpty());
    }
    cluster.restartGateway();
    try (Farwarp fresh = connect()) {
      Cluster.await("the gateway has been told", 30, () -> fresh.leases().isEmpty());
    }
  }

  @Test
  void a_kernel_that_never_ends_is_stopped_at_its_deadline_and_costs_no_other_lease()
      throws Exception {
    try (Lease lease = lease();
        Session session = lease.open();
        Lease other = lease();
        Session elsewhere = other.open()) {
      Tensor flag = session.tensor(ElementType.U32, 1);
      Tensor result = session.tensor(ElementType.U32, 1);
      PreparedInvocation endless = session.function("spin:1").prepare(in(flag), out(result));
      endless.post(Duration.ofMillis(500).toNanos());
      Work.assertComputes(elsewhere);
      assertEquals(Status.DEADLINE_EXCEEDED, endless.await());
      assertGoesOnOrIsLost(lease, session);
      Work.assertComputes(elsewhere);
    }
  }

  @Test
  void a_wild_store_is_a_status_and_costs_no_other_lease() throws Exception {
    // A GPU has no bounds but those of what is mapped, and stands one fault.
    long[] distances =
        TestedDevice.isLostByFaults()
            ? new long[] {1L << 40}
            : new long[] {1, -1, 1L << 20, 1L << 40, Long.MIN_VALUE / 4};
    try (Lease lease = lease();
        Session session = lease.open();
        Lease other = lease();
        Session elsewhere = other.open()) {
      Tensor result = session.tensor(ElementType.U32, 1);
      RemoteFunction wild = session.function("wild:1");
      for (long far : distances) {
        InvocationException fault =
            assertThrows(
                InvocationException.class,
                () ->
                    wild.invoke(
                            out(result), io.farwarp.client.Argument.scalar(ElementType.U64, far))
                        .await(PATIENCE));
        assertEquals(Status.ILLEGAL_ADDRESS, fault.status());
        assertTrue(fault.getMessage().contains("wild"), fault.getMessage());
      }
      assertGoesOnOrIsLost(lease, session);
      Work.assertComputes(elsewhere);
    }
  }

  @Test
  void a_released_window_holds_nothing_of_the_lease_before() throws Exception {
    try (Lease lease = lease();
        Session session = lease.open()) {
      session.tensor(ElementType.U32, 1 << 20).segment().fill((byte) 0x5a);
    }
    try (Lease lease = lease();
        Session session = lease.open()) {
      Tensor fresh = session.tensor(ElementType.U32, 1 << 20);
      for (long i = 0; i < fresh.elements(); i++) {
        assertEquals(0, fresh.segment().getAtIndex(ValueLayout.JAVA_INT, i));
      }
    }
  }

  @Test
  void a_released_lease_leaves_no_worker_and_no_file() throws Exception {
    try (Lease lease = lease();
        Session session = lease.open()) {
      Work.assertComputes(session);
      assertFalse(workers().isEmpty());
      assertNotEquals(0, farwarp.executors().getFirst().getWindowUsedBytes());
    }
    Cluster.await("the worker is gone", 20, () -> workers().isEmpty());
    Cluster.await(
        "the executor's memory is free",
        20,
        () -> farwarp.executors().getFirst().getWindowUsedBytes() == 0);
  }

  private Lease lease() {
    return farwarp
        .lease(
            LeaseRequest.on(TestedDevice.DEVICE)
                .memory(64L << 20)
                .shareMillis(500)
                .duration(Duration.ofMinutes(2))
                .functions("work:1"))
        .await(Duration.ofSeconds(60));
  }

  /** After what ends a session on a device that cannot go on, and only there. */
  private static void assertGoesOnOrIsLost(Lease lease, Session session) {
    if (TestedDevice.isLostByFaults()) {
      Cluster.await("the lease has ended with its worker", 20, () -> !lease.isLive());
    } else {
      Work.assertComputes(session);
    }
  }

  /** The gateway has an agent, and the client, which waits between its attempts, reaches it. */
  private boolean isAgentSeen() {
    try {
      return farwarp.executors().stream().anyMatch(row -> row.getState().equals("attached"));
    } catch (GatewayException unreachable) {
      return false;
    }
  }

  /** An agent starts nothing but workers. */
  private List<ProcessHandle> workers() {
    return cluster.agent().handle().children().toList();
  }

  private ProcessHandle onlyWorker() {
    List<ProcessHandle> found = workers();
    assertEquals(1, found.size(), found.toString());
    return found.getFirst();
  }
}
