package io.farwarp.executor.worker;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.executor.TestClient;
import io.farwarp.executor.TestFunctions;
import io.farwarp.executor.device.NativeBudget;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.StartWorker;
import io.farwarp.v1.StopWorker;
import io.farwarp.v1.WorkerCommand;
import io.farwarp.v1.WorkerStarted;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The worker as a process, led by its pipes as an agent leads it. */
final class WorkerProcessTest {
  private static final long WINDOW_BYTES = WorkerUnderTest.WINDOW_BYTES;

  private WorkerUnderTest worker;
  private ControlChannel channel;

  @BeforeEach
  void start() throws IOException {
    worker = new WorkerUnderTest(DeviceClass.PTX_CPU);
    channel = worker.channel();
  }

  @AfterEach
  void stop() throws Exception {
    worker.close();
  }

  @Test
  void it_serves_and_ends_on_command_telling_its_client() throws Exception {
    WorkerStarted started = worker.started();
    assertEquals("", started.getError());
    assertEquals("PTX CPU device (no GPU)", started.getDeviceName());
    assertEquals(2, started.getAddressesCount());
    channel.write(
        WorkerCommand.newBuilder()
            .setLoad(TestFunctions.loadCommand(1, TestFunctions.NOTHING, worker.directory()))
            .build());
    assertEquals("", worker.event().getFunction().getError());
    try (TestClient client =
        TestClient.connect(
            "shm",
            started.getAddresses(0).getAddress(),
            worker.lease().introduction(),
            WINDOW_BYTES)) {
      assertEquals(Status.OK, client.call(1).status());
      channel.write(
          WorkerCommand.newBuilder()
              .setStop(
                  StopWorker.newBuilder().setState(LeaseState.REVOKED).setReason("by the operator"))
              .build());
      TestClient.Completion ended = client.awaitEnded();
      assertEquals(Status.LEASE_REVOKED, ended.status());
      assertEquals("by the operator", ended.detail());
      assertEquals(LeaseState.REVOKED, worker.event().getEnding().getState());
      assertEquals(0, worker.exitCode());
      client.awaitDisconnected();
    }
  }

  @Test
  void it_ends_at_once_when_its_agent_is_gone() throws Exception {
    WorkerStarted started = worker.started();
    try (TestClient client =
        TestClient.connect(
            "tcp",
            started.getAddresses(1).getAddress(),
            worker.lease().introduction(),
            WINDOW_BYTES)) {
      worker.process().getOutputStream().close();
      assertTrue(worker.exitCode() != 0);
      client.awaitDisconnected();
    }
  }

  @Test
  void it_leaves_no_core_opens_few_files_and_takes_bounded_memory() throws Exception {
    worker.started();
    String limits = Files.readString(Path.of("/proc/" + worker.process().pid() + "/limits"), UTF_8);
    assertTrue(limits.lines().anyMatch(l -> l.matches("Max core file size +0 +0 .*")), limits);
    assertTrue(limits.lines().anyMatch(l -> l.matches("Max open files +1024 .*")), limits);
    long bytes = (2L << 30) + NativeBudget.limitBytes(WINDOW_BYTES);
    assertTrue(limits.lines().anyMatch(l -> l.matches("Max data size +" + bytes + " .*")), limits);
  }

  @Test
  void a_window_of_another_size_is_refused() throws Exception {
    StartWorker order =
        worker.order().toBuilder()
            .setLease(worker.lease().order().toBuilder().setWindowBytes(2 * WINDOW_BYTES))
            .build();
    channel.write(WorkerCommand.newBuilder().setStart(order).build());
    assertTrue(worker.event().getStarted().getError().contains("1048576"));
    assertTrue(worker.exitCode() != 0);
  }

  @Test
  void a_package_that_was_altered_is_refused() throws Exception {
    worker.started();
    var command = TestFunctions.loadCommand(1, TestFunctions.NOTHING, worker.directory());
    byte[] bytes = Files.readAllBytes(Path.of(command.getPackagePath()));
    bytes[bytes.length / 2] ^= 1;
    Files.write(Path.of(command.getPackagePath()), bytes);
    channel.write(WorkerCommand.newBuilder().setLoad(command).build());
    String error = worker.event().getFunction().getError();
    assertTrue(!error.isEmpty());
  }
}
