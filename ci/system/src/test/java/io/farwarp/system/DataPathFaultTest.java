package io.farwarp.system;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.client.ConnectOptions;
import io.farwarp.client.DataPath;
import io.farwarp.client.Device;
import io.farwarp.client.Farwarp;
import io.farwarp.client.FarwarpException;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.Session;
import io.farwarp.client.Tensor;
import io.farwarp.v1.ElementType;
import io.farwarp.wire.Status;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What breaks a data path in the middle of work, over each of them. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class DataPathFaultTest {
  private static final int PUSHERS = 4;
  private static final long PUSHED_ELEMENTS = 1 << 20;
  private static final Duration PATIENCE = Patience.of(Duration.ofSeconds(30));

  @TempDir Path directory;
  private Cluster cluster;
  private Farwarp farwarp;

  @BeforeEach
  void start() throws Exception {
    cluster = Cluster.start(directory);
    farwarp = connect(cluster.tenantToken());
    farwarp.functions().push(TestFunctions.work());
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
  @Tag("data-path-full")
  void an_executor_that_is_killed_under_a_client_takes_its_workers_along_and_serves_it_again(
      String transport) throws Exception {
    try (Lease lease = lease();
        Session session = lease.open(DataPaths.session(transport))) {
      Work.assertComputes(session);
      ProcessHandle worker = cluster.agent().handle().children().findFirst().orElseThrow();
      cluster.agent().kill();
      Cluster.await("the worker has gone with its agent", 20, () -> !worker.isAlive());
      FarwarpException end =
          assertThrows(FarwarpException.class, () -> Work.assertComputes(session));
      assertTrue(
          end.status() == Status.WORKER_LOST || end.status() == Status.LINK_BROKEN, end.toString());
      Cluster.await("the holder is told", 30, () -> !lease.isLive());
    }
    cluster.restartAgent();
    assertServes(transport);
  }

  @ParameterizedTest
  @MethodSource("io.farwarp.system.DataPaths#tested")
  @Tag("data-path-full")
  void a_lease_that_is_revoked_under_writes_ends_each_of_them_once_with_the_reason(String transport)
      throws Exception {
    try (Lease lease = lease();
        Session session = lease.open(DataPaths.session(transport));
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      CountDownLatch writing = new CountDownLatch(2 * PUSHERS);
      List<CompletableFuture<FarwarpException>> ends = new ArrayList<>();
      for (int i = 0; i < PUSHERS; i++) {
        Tensor tensor = session.tensor(ElementType.F32, PUSHED_ELEMENTS);
        ends.add(CompletableFuture.supplyAsync(() -> pushOnAndOn(tensor, writing), threads));
      }
      assertTrue(writing.await(PATIENCE.toSeconds(), TimeUnit.SECONDS));
      try (Farwarp operator = connect(cluster.operatorToken())) {
        operator.operator().revoke(lease.id(), "maintenance");
      }
      for (CompletableFuture<FarwarpException> end : ends) {
        FarwarpException told = end.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        assertEquals(Status.LEASE_REVOKED, told.status(), told.toString());
      }
      assertEquals(0, session.inFlight());
      Cluster.await("the lease has ended", 20, () -> !lease.isLive());
    }
    assertServes(transport);
  }

  /** Each push is awaited once; the one that fails says why. */
  private static FarwarpException pushOnAndOn(Tensor tensor, CountDownLatch writing) {
    while (true) {
      try {
        tensor.push().await(PATIENCE);
        writing.countDown();
      } catch (FarwarpException end) {
        return end;
      }
    }
  }

  @ParameterizedTest
  @MethodSource("io.farwarp.system.DataPaths#tested")
  @Tag("data-path-full")
  void garbage_instead_of_a_handshake_costs_only_its_sender_the_connection(String transport)
      throws Exception {
    try (Lease lease = lease();
        Session session = lease.open(DataPaths.session(transport))) {
      Work.assertComputes(session);
      DataPath path =
          lease.dataPaths(0).stream()
              .filter(any -> any.transport().equals(transport))
              .findFirst()
              .orElseThrow();
      for (int i = 0; i < 3; i++) {
        GarbageSender.send(path, "GET / HTTP/1.1\r\n\r\n".getBytes(US_ASCII));
        Work.assertComputes(session);
      }
    }
    assertServes(transport);
  }

  /** A new lease works, and nothing of the last one is in its window. */
  private void assertServes(String transport) {
    try (Lease lease = lease();
        Session session = lease.open(DataPaths.session(transport))) {
      try (Tensor tensor = session.tensor(ElementType.F32, PUSHED_ELEMENTS)) {
        tensor.pull().await(PATIENCE);
        MemorySegment bytes = tensor.segment();
        assertEquals(-1, bytes.mismatch(MemorySegment.ofArray(new byte[(int) bytes.byteSize()])));
      }
      Work.assertComputes(session);
    }
  }

  private Farwarp connect(Path token) {
    return Farwarp.connect(ConnectOptions.to(cluster.address).tokenFile(token));
  }

  private Lease lease() {
    return farwarp
        .lease(
            LeaseRequest.on(Device.PTX)
                .memory(64L << 20)
                .shareMillis(500)
                .duration(Duration.ofMinutes(5))
                .functions("work:1"))
        .await(PATIENCE.multipliedBy(2));
  }
}
