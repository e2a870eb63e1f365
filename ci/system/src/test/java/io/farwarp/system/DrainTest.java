package io.farwarp.system;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;
import static io.farwarp.client.Argument.scalar;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.client.ConnectOptions;
import io.farwarp.client.Farwarp;
import io.farwarp.client.FarwarpException;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.Session;
import io.farwarp.client.Tensor;
import io.farwarp.v1.ElementType;
import io.farwarp.wire.Status;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is told to stop by SIGTERM takes nothing new, and lets what runs come to its end. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class DrainTest {
  private static final long LIMIT_S = 40;

  @TempDir Path directory;

  @Test
  void a_draining_agent_goes_when_its_last_lease_is_released() throws Exception {
    try (Cluster cluster = Cluster.start(directory);
        Farwarp farwarp = connect(cluster)) {
      try (Lease lease = lease(farwarp);
          Session session = lease.open()) {
        cluster.agent().terminate();
        awaitDraining(farwarp);
        assertThrows(
            FarwarpException.class,
            () -> farwarp.lease(request().waitAtMost(Duration.ZERO)).await());
        assertComputes(session);
      }
      cluster.agent().finish(0, LIMIT_S);
    }
  }

  @Test
  void a_drain_that_takes_too_long_revokes_what_is_left_with_the_reason() throws Exception {
    try (Cluster cluster = Cluster.start(directory, "--drain-timeout", "1");
        Farwarp farwarp = connect(cluster);
        Lease lease = lease(farwarp);
        Session session = lease.open()) {
      cluster.agent().terminate();
      cluster.agent().finish(0, LIMIT_S);
      assertRevoked(lease, session);
    }
  }

  @Test
  void a_second_signal_ends_a_draining_agent_at_once() throws Exception {
    try (Cluster cluster = Cluster.start(directory, "--drain-timeout", "3600");
        Farwarp farwarp = connect(cluster);
        Lease lease = lease(farwarp);
        Session session = lease.open()) {
      cluster.agent().terminate();
      awaitDraining(farwarp);
      cluster.agent().terminate();
      cluster.agent().finish(0, LIMIT_S);
      assertRevoked(lease, session);
    }
  }

  @Test
  void a_stopping_gateway_answers_who_waits_and_leaves_sessions_alone() throws Exception {
    try (Cluster cluster = Cluster.start(directory);
        Farwarp farwarp = connect(cluster);
        Lease lease = lease(farwarp);
        Session session = lease.open()) {
      CompletableFuture<Lease> waiting =
          CompletableFuture.supplyAsync(
              () -> farwarp.lease(request().waitAtMost(Duration.ofMinutes(1))).await());
      Cluster.await("one lease waits", 20, () -> farwarp.leases().size() == 2);
      cluster.gateway().terminate();
      cluster.gateway().finish(0, LIMIT_S);
      ExecutionException refused =
          assertThrows(ExecutionException.class, () -> waiting.get(LIMIT_S, TimeUnit.SECONDS));
      assertTrue(refused.getCause() instanceof FarwarpException, refused.toString());
      assertComputes(session);
      cluster.restartGateway();
    }
  }

  @Test
  void up_drains_its_agent_before_its_gateway_and_ends_well() throws Exception {
    try (FarwarpProcess up =
        FarwarpProcess.start(
            directory,
            Map.of("XDG_RUNTIME_DIR", directory.toString()),
            "up",
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
            directory.resolve("gateway").toString(),
            "--ptx-threads",
            "1",
            "--window-memory",
            "256M")) {
      String address = up.awaitLine("    export FARWARP_GATEWAY=");
      try (Farwarp farwarp =
          Farwarp.connect(
              ConnectOptions.to(address).tokenFile(directory.resolve("gateway/tenant.token")))) {
        farwarp.functions().push(TestFunctions.work());
        try (Lease lease = farwarp.lease(request()).await(Duration.ofSeconds(60));
            Session session = lease.open()) {
          up.terminate();
          awaitDraining(farwarp);
          assertComputes(session);
        }
        up.finish(0, LIMIT_S);
      }
    }
  }

  private static Farwarp connect(Cluster cluster) throws Exception {
    Farwarp farwarp =
        Farwarp.connect(ConnectOptions.to(cluster.address).tokenFile(cluster.tenantToken()));
    farwarp.functions().push(TestFunctions.work());
    return farwarp;
  }

  private static LeaseRequest request() {
    return LeaseRequest.on(TestedDevice.DEVICE)
        .memory(64L << 20)
        .shareMillis(1000)
        .duration(Duration.ofMinutes(2))
        .functions("work:1");
  }

  private static Lease lease(Farwarp farwarp) {
    return farwarp.lease(request()).await(Duration.ofSeconds(60));
  }

  private static void awaitDraining(Farwarp farwarp) {
    Cluster.await(
        "the gateway knows that the agent drains",
        20,
        () -> farwarp.executors().getFirst().getState().equals("draining"));
  }

  private static void assertRevoked(Lease lease, Session session) {
    Cluster.await("the lease has ended", 20, () -> !lease.isLive());
    FarwarpException end = assertThrows(FarwarpException.class, () -> assertComputes(session));
    assertEquals(Status.LEASE_REVOKED, end.status());
    assertTrue(end.getMessage().contains("executor-1 was told to stop"), end.getMessage());
  }

  private static void assertComputes(Session session) {
    try (Tensor from = session.tensor(ElementType.F32, 1000);
        Tensor to = session.tensor(ElementType.F32, 1000)) {
      session
          .function("work:1")
          .invoke(in(from), out(to), scalar(1000), scalar(2))
          .await(Duration.ofSeconds(30));
    }
  }
}
