package io.farwarp.executor.worker;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.executor.TestClient;
import io.farwarp.executor.TestFunctions;
import io.farwarp.executor.TestLease;
import io.farwarp.executor.device.ptx.NativeBudget;
import io.farwarp.rdma.linux.SharedMemory;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.StartWorker;
import io.farwarp.v1.StopWorker;
import io.farwarp.v1.WorkerCommand;
import io.farwarp.v1.WorkerEvent;
import io.farwarp.v1.WorkerStarted;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The worker as a process, led by its pipes as an agent leads it. */
final class WorkerProcessTest {
  private static final long WINDOW_BYTES = 1 << 20;

  private final TestLease lease = new TestLease("L-3", WINDOW_BYTES, 60_000);
  private Path directory;
  private SharedMemory window;
  private Process process;
  private ControlChannel channel;

  @BeforeEach
  void start() throws IOException {
    directory = Files.createTempDirectory(Path.of("/tmp"), "fw");
    window = SharedMemory.create("test-window", WINDOW_BYTES);
    process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                WorkerMain.class.getName())
            .redirectError(directory.resolve("log").toFile())
            .start();
    channel = new ControlChannel(process.getInputStream(), process.getOutputStream());
  }

  @AfterEach
  void stop() throws Exception {
    process.destroyForcibly().waitFor();
    window.close();
    for (String name : List.of("log", "s", "package-1")) {
      Files.deleteIfExists(directory.resolve(name));
    }
    Files.deleteIfExists(directory);
  }

  private WorkerStarted started() throws IOException {
    StartWorker order = lease.startWorker(window.path(), directory);
    channel.write(WorkerCommand.newBuilder().setStart(order).build());
    return event().getStarted();
  }

  private WorkerEvent event() throws IOException {
    WorkerEvent event = channel.readEvent();
    if (event == null) {
      throw new AssertionError(Files.readString(directory.resolve("log"), UTF_8));
    }
    return event;
  }

  private int exitCode() throws InterruptedException {
    assertTrue(process.waitFor(20, TimeUnit.SECONDS), "the process stays");
    return process.exitValue();
  }

  @Test
  void it_serves_and_ends_on_command_telling_its_client() throws Exception {
    WorkerStarted started = started();
    assertEquals("", started.getError());
    assertEquals("PTX CPU device (no GPU)", started.getDeviceName());
    assertEquals(2, started.getAddressesCount());
    channel.write(
        WorkerCommand.newBuilder()
            .setLoad(TestFunctions.loadCommand(1, TestFunctions.NOTHING, directory))
            .build());
    assertEquals("", event().getFunction().getError());
    try (TestClient client =
        TestClient.connect(
            "shm", started.getAddresses(0).getAddress(), lease.introduction(), WINDOW_BYTES)) {
      assertEquals(Status.OK, client.call(1).status());
      channel.write(
          WorkerCommand.newBuilder()
              .setStop(
                  StopWorker.newBuilder().setState(LeaseState.REVOKED).setReason("by the operator"))
              .build());
      TestClient.Completion ended = client.awaitEnded();
      assertEquals(Status.LEASE_REVOKED, ended.status());
      assertEquals("by the operator", ended.detail());
      assertEquals(LeaseState.REVOKED, event().getEnding().getState());
      assertEquals(0, exitCode());
      client.awaitDisconnected();
    }
  }

  @Test
  void it_ends_at_once_when_its_agent_is_gone() throws Exception {
    WorkerStarted started = started();
    try (TestClient client =
        TestClient.connect(
            "tcp", started.getAddresses(1).getAddress(), lease.introduction(), WINDOW_BYTES)) {
      process.getOutputStream().close();
      assertTrue(exitCode() != 0);
      client.awaitDisconnected();
    }
  }

  @Test
  void it_leaves_no_core_opens_few_files_and_takes_bounded_memory() throws Exception {
    started();
    String limits = Files.readString(Path.of("/proc/" + process.pid() + "/limits"), UTF_8);
    assertTrue(limits.lines().anyMatch(l -> l.matches("Max core file size +0 +0 .*")), limits);
    assertTrue(limits.lines().anyMatch(l -> l.matches("Max open files +1024 .*")), limits);
    long bytes = (2L << 30) + NativeBudget.limitBytes(WINDOW_BYTES);
    assertTrue(limits.lines().anyMatch(l -> l.matches("Max data size +" + bytes + " .*")), limits);
  }

  @Test
  void a_window_of_another_size_is_refused() throws Exception {
    StartWorker order =
        lease.startWorker(window.path(), directory).toBuilder()
            .setLease(lease.order().toBuilder().setWindowBytes(2 * WINDOW_BYTES))
            .build();
    channel.write(WorkerCommand.newBuilder().setStart(order).build());
    assertTrue(event().getStarted().getError().contains("1048576"));
    assertTrue(exitCode() != 0);
  }

  @Test
  void a_package_that_was_altered_is_refused() throws Exception {
    started();
    var command = TestFunctions.loadCommand(1, TestFunctions.NOTHING, directory);
    byte[] bytes = Files.readAllBytes(Path.of(command.getPackagePath()));
    bytes[bytes.length / 2] ^= 1;
    Files.write(Path.of(command.getPackagePath()), bytes);
    channel.write(WorkerCommand.newBuilder().setLoad(command).build());
    String error = event().getFunction().getError();
    assertTrue(!error.isEmpty());
  }
}
