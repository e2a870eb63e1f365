package io.farwarp.system;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;
import static io.farwarp.client.Argument.scalar;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.client.ConnectOptions;
import io.farwarp.client.Farwarp;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.PreparedInvocation;
import io.farwarp.client.RemoteFunction;
import io.farwarp.client.Session;
import io.farwarp.client.Tensor;
import io.farwarp.v1.ElementType;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What must hold also after the hundredth and the thousandth time. */
@Tag("full")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class EnduranceTest {
  private static final int KILLS = 100;
  private static final int SESSIONS = 1000;
  private static final int WARM_UP = 20;
  private static final int IN_FLIGHT = 8;

  @TempDir Path directory;
  private Cluster cluster;
  private Farwarp farwarp;

  @BeforeEach
  void start() throws Exception {
    cluster = Cluster.start(directory);
    farwarp = Farwarp.connect(ConnectOptions.to(cluster.address).tokenFile(cluster.tenantToken()));
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

  @Test
  void a_hundred_workers_killed_in_the_middle_of_work_leave_nothing_behind() throws Exception {
    long agentDescriptors = 0;
    for (int i = 0; i < KILLS; i++) {
      killOneWorker(i % 2 == 0 ? "shm" : "tcp");
      if (i == WARM_UP) {
        agentDescriptors = descriptors(cluster.agent().handle());
      }
    }
    long limit = agentDescriptors + IN_FLIGHT;
    Cluster.await(
        "the agent has no more descriptors than after the first kills",
        20,
        () -> descriptors(cluster.agent().handle()) <= limit);
    assertEquals(0, farwarp.leases().size());
    assertEquals(0, farwarp.executors().getFirst().getWindowUsedBytes());
  }

  private void killOneWorker(String transport) throws Exception {
    try (Lease lease = lease();
        Session session = lease.open(DataPaths.session(transport))) {
      RemoteFunction work = session.function("work:1");
      Tensor from = session.tensor(ElementType.F32, 4096);
      List<PreparedInvocation> posted = new ArrayList<>();
      for (int i = 0; i < IN_FLIGHT; i++) {
        PreparedInvocation call =
            work.prepare(
                in(from),
                out(session.tensor(ElementType.F32, 4096)),
                scalar(4096),
                scalar(10_000_000));
        call.post(Duration.ofSeconds(60).toNanos());
        posted.add(call);
      }
      onlyWorker().destroyForcibly();
      for (PreparedInvocation call : posted) {
        Status status = call.await();
        assertTrue(
            status == Status.WORKER_LOST || status == Status.LINK_BROKEN, "ended with " + status);
      }
      Cluster.await("the lease has ended", 20, () -> !lease.isLive());
    }
    Cluster.await("the gateway has ended it too", 20, () -> farwarp.leases().isEmpty());
  }

  @ParameterizedTest
  @MethodSource("io.farwarp.system.DataPaths#tested")
  @Tag("data-path-full")
  void a_thousand_sessions_leave_no_descriptor_and_no_mapping(String transport) throws Exception {
    try (Lease lease = lease()) {
      openAndClose(lease, transport, WARM_UP);
      ProcessHandle client = ProcessHandle.current();
      ProcessHandle worker = onlyWorker();
      long clientDescriptors = descriptors(client);
      long workerDescriptors = descriptors(worker);
      long clientMappings = sharedMappings(client);
      long workerMappings = sharedMappings(worker);
      assertNotEquals(0, workerMappings);
      openAndClose(lease, transport, SESSIONS);
      Cluster.await(
          "the worker has closed its last session",
          20,
          () ->
              descriptors(worker) <= workerDescriptors && sharedMappings(worker) <= workerMappings);
      Cluster.await(
          "the client has closed its last session",
          20,
          () ->
              descriptors(client) <= clientDescriptors && sharedMappings(client) <= clientMappings);
    }
  }

  private static void openAndClose(Lease lease, String transport, int times) {
    for (int i = 0; i < times; i++) {
      try (Session session = lease.open(DataPaths.session(transport));
          Tensor from = session.tensor(ElementType.F32, 1000);
          Tensor to = session.tensor(ElementType.F32, 1000)) {
        session
            .function("work:1")
            .invoke(in(from), out(to), scalar(1000), scalar(2))
            .await(Duration.ofSeconds(30));
      }
    }
  }

  private Lease lease() {
    return farwarp
        .lease(
            LeaseRequest.on(TestedDevice.DEVICE)
                .memory(16L << 20)
                .duration(Duration.ofMinutes(5))
                .functions("work:1"))
        .await(Duration.ofSeconds(60));
  }

  private ProcessHandle onlyWorker() {
    List<ProcessHandle> found = cluster.agent().handle().children().toList();
    assertEquals(1, found.size(), found.toString());
    return found.getFirst();
  }

  private static long descriptors(ProcessHandle process) {
    try (Stream<Path> open = Files.list(Path.of("/proc/" + process.pid() + "/fd"))) {
      return open.count();
    } catch (IOException e) {
      throw new AssertionError("the descriptors of " + process.pid(), e);
    }
  }

  /** Mappings of windows and rings, which are memfds. */
  private static long sharedMappings(ProcessHandle process) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + process.pid() + "/maps"))) {
      return lines.filter(line -> line.contains("/memfd:farwarp")).count();
    } catch (IOException e) {
      throw new AssertionError("the mappings of " + process.pid(), e);
    }
  }
}
