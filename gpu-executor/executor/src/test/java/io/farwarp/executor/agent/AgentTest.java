package io.farwarp.executor.agent;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.executor.TestClient;
import io.farwarp.executor.TestFunctions;
import io.farwarp.executor.TestLease;
import io.farwarp.function.FunctionPackage;
import io.farwarp.v1.AgentMessage;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.ExtendLease;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.GatewayMessage;
import io.farwarp.v1.LeaseEnded;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.PrepareLease;
import io.farwarp.v1.PrepareLeaseFunction;
import io.farwarp.v1.RevokeLease;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AgentTest {
  private static final long WINDOW_BYTES = 2 << 20;
  private static final int MAX_WORKERS = 3;
  private static final long CAPACITY_BYTES = 64 << 20;

  @TempDir(factory = ShortTempDir.class)
  Path directory;

  private final TestLease lease = new TestLease("L-7", WINDOW_BYTES, 60_000);
  private ScriptedGateway gateway;
  private Agent agent;

  @BeforeEach
  void start() throws Exception {
    gateway = new ScriptedGateway(lease, 0);
    agent = Agent.start(options(ScriptedGateway.TOKEN));
    agent.attached().get(20, TimeUnit.SECONDS);
  }

  @AfterEach
  void stop() throws Exception {
    agent.close();
    gateway.close();
  }

  private AgentOptions options(String token) {
    return new AgentOptions(
        "127.0.0.1",
        gateway.port(),
        TestLease.EXECUTOR,
        token,
        2,
        List.of(AgentDevice.ofCores(2, CAPACITY_BYTES)),
        CAPACITY_BYTES,
        MAX_WORKERS,
        directory,
        "127.0.0.1",
        "",
        Optional.empty());
  }

  @Test
  void hello_tells_what_the_host_has() throws Exception {
    var hello = gateway.awaitHello();
    assertEquals(TestLease.EXECUTOR, hello.getExecutorId());
    assertEquals(CAPACITY_BYTES, hello.getWindowCapacityBytes());
    assertEquals(MAX_WORKERS, hello.getMaxWorkers());
    assertEquals(16, hello.getIncarnation().size());
    assertEquals("PTX CPU device (no GPU)", hello.getDevices(0).getName());
    assertEquals(DeviceClass.PTX_CPU, hello.getDevices(0).getDeviceClass());
    assertEquals(0, hello.getDevices(0).getComputeCapability());
    assertEquals(List.of("shm", "tcp"), hello.getTransportsList());
    gateway.await(AgentMessage::hasHeartbeat);
  }

  @Test
  void a_lease_is_prepared_served_and_revoked_without_trace() throws Exception {
    FunctionPackage nothing = TestFunctions.packageOf(TestFunctions.NOTHING);
    FunctionPackage add = TestFunctions.packageOf(TestFunctions.VECTOR_ADD);
    gateway.offer(nothing);
    gateway.offer(add);
    LeasePrepared prepared =
        prepare(
            lease.order().toBuilder()
                .addFunctions(TestFunctions.leaseFunction(1, nothing))
                .build());
    assertEquals("", prepared.getError());
    assertEquals(1, prepared.getWorkersCount());
    assertEquals("", prepared.getFunctions(0).getError());
    order(2, add);
    assertEquals("", awaitFunction(2).getError());

    for (String transport : List.of("shm", "tcp")) {
      try (TestClient client =
          TestClient.connect(
              transport, address(prepared, transport), lease.introduction(), WINDOW_BYTES)) {
        assertEquals(Status.OK, client.call(1).status());
        client.goodbye(false);
      }
    }
    try (TestClient client =
        TestClient.connect("shm", address(prepared, "shm"), lease.introduction(), WINDOW_BYTES)) {
      // A client may count itself connected a moment before the worker has taken its session up.
      assertEquals(Status.OK, client.call(1).status());
      gateway.send(
          GatewayMessage.newBuilder()
              .setRevoke(
                  RevokeLease.newBuilder()
                      .setLeaseId("L-7")
                      .setReason("for the test")
                      .setState(LeaseState.REVOKED)));
      assertEquals(Status.LEASE_REVOKED, client.awaitEnded().status());
      LeaseEnded ended = awaitEnded();
      assertEquals(LeaseState.REVOKED, ended.getState());
      assertEquals("for the test", ended.getReason());
    }
    assertEquals(List.of("lock"), filesOfRun());
  }

  @Test
  void a_killed_worker_ends_its_lease_with_the_reason() throws Exception {
    LeasePrepared prepared = prepare(lease.order());
    try (TestClient client =
        TestClient.connect("shm", address(prepared, "shm"), lease.introduction(), WINDOW_BYTES)) {
      ProcessHandle worker = workerProcess();
      String status = Files.readString(Path.of("/proc/" + worker.pid() + "/status"), UTF_8);
      assertTrue(status.contains("NoNewPrivs:\t1"), status);
      worker.destroyForcibly();
      LeaseEnded ended = awaitEnded();
      assertEquals(LeaseState.FAILED, ended.getState());
      assertTrue(ended.getReason().contains("signal 9"), ended.getReason());
      client.awaitDisconnected();
    }
    assertEquals(List.of("lock"), filesOfRun());
  }

  @Test
  void a_client_that_releases_over_its_session_ends_the_lease() throws Exception {
    LeasePrepared prepared = prepare(lease.order());
    try (TestClient client =
        TestClient.connect("shm", address(prepared, "shm"), lease.introduction(), WINDOW_BYTES)) {
      client.goodbye(true);
      assertEquals(LeaseState.RELEASED, awaitEnded().getState());
    }
  }

  @Test
  void a_lease_expires_by_the_hosts_own_clock_and_its_client_is_told() throws Exception {
    LeasePrepared prepared = prepare(lease.order());
    try (TestClient client =
        TestClient.connect("shm", address(prepared, "shm"), lease.introduction(), WINDOW_BYTES)) {
      gateway.send(
          GatewayMessage.newBuilder()
              .setExtend(ExtendLease.newBuilder().setLeaseId("L-7").setTtlMs(200)));
      assertEquals(Status.LEASE_EXPIRED, client.awaitEnded().status());
      assertEquals(LeaseState.EXPIRED, awaitEnded().getState());
    }
  }

  @Test
  void a_gateway_that_comes_back_is_told_what_is_held() throws Exception {
    gateway.awaitHello();
    LeasePrepared prepared = prepare(lease.order());
    int port = gateway.port();
    gateway.close();
    try (TestClient client =
        TestClient.connect("shm", address(prepared, "shm"), lease.introduction(), WINDOW_BYTES)) {
      gateway = new ScriptedGateway(lease, port);
      var hello = gateway.awaitHello();
      assertEquals("L-7", hello.getHeld(0).getLeaseId());
      assertEquals(WINDOW_BYTES, hello.getHeld(0).getWindowBytes());
      assertTrue(hello.getHeld(0).getTtlMs() > 0);
      assertTrue(client.queuePair().isOpen());
    }
  }

  @Test
  void a_function_whose_answer_was_lost_is_ordered_again_and_answered() throws Exception {
    FunctionPackage nothing = TestFunctions.packageOf(TestFunctions.NOTHING);
    gateway.offer(nothing);
    LeasePrepared prepared = prepare(lease.order());
    try (TestClient client =
        TestClient.connect("shm", address(prepared, "shm"), lease.introduction(), WINDOW_BYTES)) {
      order(1, nothing);
      gateway.await(AgentMessage::hasFunctionPrepared);
      int port = gateway.port();
      gateway.close(); // and has never heard it
      gateway = new ScriptedGateway(lease, port);
      gateway.offer(nothing);
      gateway.awaitHello();
      order(1, nothing);
      assertEquals("", awaitFunction(1).getError());
      assertEquals(Status.OK, client.call(1).status());
    }
  }

  @Test
  void a_function_that_is_ordered_again_while_it_is_loaded_costs_nobody_anything()
      throws Exception {
    FunctionPackage nothing = TestFunctions.packageOf(TestFunctions.NOTHING);
    FunctionPackage add = TestFunctions.packageOf(TestFunctions.VECTOR_ADD);
    gateway.offer(nothing);
    gateway.offer(add);
    LeasePrepared prepared = prepare(lease.order().toBuilder().setWorkers(2).build());
    try (TestClient client =
        TestClient.connect("shm", address(prepared, "shm"), lease.introduction(), WINDOW_BYTES)) {
      order(1, nothing);
      order(1, nothing);
      order(1, nothing);
      order(2, add); // answered after all answers to those before it
      assertEquals("", awaitFunction(1).getError());
      assertEquals("", awaitFunction(2).getError());
      assertEquals(Status.OK, client.call(1).status());
    }
  }

  private void order(int id, FunctionPackage functionPackage) {
    gateway.send(
        GatewayMessage.newBuilder()
            .setPrepareFunction(
                PrepareLeaseFunction.newBuilder()
                    .setLeaseId(lease.order().getLeaseId())
                    .setFunction(TestFunctions.leaseFunction(id, functionPackage))));
  }

  private FunctionPrepared awaitFunction(int id) throws InterruptedException {
    return gateway
        .await(message ->
            message.hasFunctionPrepared() && message.getFunctionPrepared().getFunctionId() == id)
        .getFunctionPrepared();
  }

  @Test
  void a_draining_agent_takes_nothing_new_and_tells_every_gateway_that_it_drains()
      throws Exception {
    LeasePrepared prepared = prepare(lease.order());
    try (TestClient client =
        TestClient.connect("shm", address(prepared, "shm"), lease.introduction(), WINDOW_BYTES)) {
      agent.drain(Duration.ofHours(1));
      gateway.await(AgentMessage::hasDraining);
      LeasePrepared refused = prepare(lease.order().toBuilder().setLeaseId("L-8").build());
      assertTrue(refused.getError().contains("draining"), refused.getError());
      int port = gateway.port();
      gateway.close();
      gateway = new ScriptedGateway(lease, port);
      gateway.await(AgentMessage::hasDraining);
      assertTrue(client.queuePair().isOpen());
      agent.drain(Duration.ZERO);
      assertEquals(Status.LEASE_REVOKED, client.awaitEnded().status());
      assertEquals(LeaseState.REVOKED, awaitEnded().getState());
      agent.drained().get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void more_memory_than_there_is_is_refused_with_the_numbers() throws Exception {
    LeasePrepared prepared =
        prepare(lease.order().toBuilder().setWindowBytes(CAPACITY_BYTES + 4096).build());
    assertTrue(prepared.getError().contains(Long.toString(CAPACITY_BYTES)), prepared.getError());
    assertEquals(Status.RESOURCE_EXHAUSTED.name(), prepared.getStatus());
  }

  @Test
  void more_of_a_devices_share_than_is_left_is_refused_with_the_numbers() throws Exception {
    var _ = prepare(lease.order().toBuilder().setShareMillis(600).build());
    LeasePrepared refused =
        prepare(lease.order().toBuilder().setLeaseId("L-8").setShareMillis(401).build());
    assertEquals(
        "a share of 401 thousandths; 600 of 1000 of %s are taken"
            .formatted(lease.order().getDeviceId()),
        refused.getError());
    assertEquals(Status.RESOURCE_EXHAUSTED.name(), refused.getStatus());
  }

  @Test
  void more_workers_than_the_host_runs_are_refused_with_the_numbers() throws Exception {
    LeasePrepared prepared =
        prepare(lease.order().toBuilder().setWorkers(MAX_WORKERS + 1).setWindowBytes(4096).build());
    assertEquals(
        "4 workers; 0 of 3 run on %s: ask for fewer, wait, or raise --max-workers"
            .formatted(TestLease.EXECUTOR),
        prepared.getError());
    assertEquals(Status.RESOURCE_EXHAUSTED.name(), prepared.getStatus());
  }

  @Test
  void a_function_that_cannot_be_had_is_told_by_name() throws Exception {
    FunctionPackage absent = TestFunctions.packageOf(TestFunctions.NOTHING);
    LeasePrepared prepared =
        prepare(
            lease.order().toBuilder().addFunctions(TestFunctions.leaseFunction(1, absent)).build());
    assertTrue(
        prepared.getFunctions(0).getError().contains("no such package"), prepared.toString());
  }

  @Test
  void the_reason_of_a_refused_function_carries_no_control_characters() throws Exception {
    String ptx =
        """
        .version 6.3
        .target sm_75
        .address_size 64
        .file 1 "\u001b]0;a\u0007\u202eb"
        .visible .entry nothing()
        {
          .loc 1 3 1
          no.such.instruction;
          ret;
        }
        """;
    FunctionPackage damaged =
        TestFunctions.packageOf(TestFunctions.NOTHING, ptx.getBytes(StandardCharsets.UTF_8));
    gateway.offer(damaged);
    LeasePrepared prepared =
        prepare(
            lease.order().toBuilder()
                .addFunctions(TestFunctions.leaseFunction(1, damaged))
                .build());
    String error = prepared.getFunctions(0).getError();
    assertTrue(error.contains("no.such.instruction"), error);
    assertTrue(error.matches("[^\\p{Cc}\\p{Cf}]*"), error);
  }

  @Test
  void revoking_what_is_not_held_is_answered() throws Exception {
    gateway.send(
        GatewayMessage.newBuilder()
            .setRevoke(RevokeLease.newBuilder().setLeaseId("L-9").setState(LeaseState.RELEASED)));
    LeaseEnded ended = awaitEnded();
    assertEquals("L-9", ended.getLeaseId());
    assertEquals(LeaseState.RELEASED, ended.getState());
  }

  @Test
  void a_gateway_that_takes_no_messages_is_attached_to_anew() throws Exception {
    gateway.awaitHello();
    gateway.stopReading();
    for (int i = 0; i < 4 * GatewayLink.MAX_WAITING; i++) {
      gateway.send(
          GatewayMessage.newBuilder()
              .setRevoke(RevokeLease.newBuilder().setLeaseId("L-%060d".formatted(i))));
    }
    gateway.awaitHello();
    gateway.await(AgentMessage::hasHeartbeat);
  }

  @Test
  void a_wrong_credential_is_told_and_not_tried_again() throws Exception {
    Path other = Files.createDirectory(directory.resolve("other"));
    AgentOptions wrong =
        new AgentOptions(
            "127.0.0.1",
            gateway.port(),
            "other",
            "wrong",
            1,
            List.of(AgentDevice.ofCores(1, CAPACITY_BYTES)),
            CAPACITY_BYTES,
            MAX_WORKERS,
            other,
            "",
            "",
            Optional.empty());
    Agent refused = Agent.start(wrong);
    try {
      var failure =
          assertThrows(
              ExecutionException.class, () -> refused.attached().get(20, TimeUnit.SECONDS));
      assertTrue(failure.getMessage().contains("unknown credential"), failure.getMessage());
    } finally {
      refused.close();
    }
  }

  @Test
  void directories_of_agents_that_died_are_removed() throws Exception {
    Path base = directory.resolve("stale");
    Path run = Files.createDirectories(base.resolve("run-1").resolve("w0"));
    Files.writeString(run.resolve("left-behind"), "x", UTF_8);
    RunDirectory mine = RunDirectory.create(base);
    assertFalse(Files.exists(run.getParent()));
    RunDirectory second = RunDirectory.create(base);
    try (Stream<Path> runs = Files.list(base)) {
      assertEquals(2, runs.filter(Files::isDirectory).count());
    }
    mine.close();
    second.close();
  }

  private LeasePrepared prepare(PrepareLease order) throws InterruptedException {
    gateway.send(GatewayMessage.newBuilder().setPrepareLease(order));
    return gateway.await(AgentMessage::hasLeasePrepared).getLeasePrepared();
  }

  private LeaseEnded awaitEnded() throws InterruptedException {
    return gateway.await(AgentMessage::hasLeaseEnded).getLeaseEnded();
  }

  private static String address(LeasePrepared prepared, String transport) {
    return prepared.getWorkers(0).getAddressesList().stream()
        .filter(a -> a.getTransport().equals(transport))
        .findFirst()
        .orElseThrow()
        .getAddress();
  }

  private static ProcessHandle workerProcess() {
    return ProcessHandle.current()
        .children()
        .filter(child -> commandLine(child).contains("WorkerMain"))
        .findFirst()
        .orElseThrow();
  }

  /** All of it; ProcessHandle gives the first 4 KiB. */
  private static String commandLine(ProcessHandle process) {
    try {
      return Files.readString(Path.of("/proc/" + process.pid() + "/cmdline"));
    } catch (IOException e) {
      return "";
    }
  }

  private List<String> filesOfRun() throws IOException {
    try (Stream<Path> runs = Files.list(directory)) {
      Path run =
          runs.filter(p -> p.getFileName().toString().startsWith("run-")).findFirst().orElseThrow();
      try (Stream<Path> files = Files.list(run)) {
        return files.map(p -> p.getFileName().toString()).toList();
      }
    }
  }
}
