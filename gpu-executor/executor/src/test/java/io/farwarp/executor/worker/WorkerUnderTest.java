package io.farwarp.executor.worker;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.executor.TestClient;
import io.farwarp.executor.TestFunctions;
import io.farwarp.executor.TestLease;
import io.farwarp.executor.agent.WorkerJvm;
import io.farwarp.rdma.linux.SharedMemory;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.StartWorker;
import io.farwarp.v1.WorkerCommand;
import io.farwarp.v1.WorkerEvent;
import io.farwarp.v1.WorkerStarted;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A worker as a process, and the test in its agent's place. */
final class WorkerUnderTest implements AutoCloseable {
  static final long WINDOW_BYTES = 1 << 20;

  private final DeviceClass deviceClass;
  private final TestLease lease = new TestLease("L-3", WINDOW_BYTES, 60_000);
  private final Path directory;
  private final SharedMemory window;
  private final Process process;
  private final ControlChannel channel;

  WorkerUnderTest(DeviceClass deviceClass) throws IOException {
    this.deviceClass = deviceClass;
    directory = Files.createTempDirectory(Path.of("/tmp"), "fw");
    window = SharedMemory.create("test-window", WINDOW_BYTES);
    process =
        new ProcessBuilder(WorkerJvm.command(directory, WorkerJvm.options(), WorkerMain.class))
            .redirectError(directory.resolve("log").toFile())
            .start();
    channel = new ControlChannel(process.getInputStream(), process.getOutputStream());
  }

  TestLease lease() {
    return lease;
  }

  Path directory() {
    return directory;
  }

  Process process() {
    return process;
  }

  ControlChannel channel() {
    return channel;
  }

  StartWorker order() {
    return lease.startWorker(window.path(), directory).toBuilder()
        .setDeviceClass(deviceClass)
        .build();
  }

  WorkerStarted started() throws IOException {
    channel.write(WorkerCommand.newBuilder().setStart(order()).build());
    return event().getStarted();
  }

  /** Has it load a function, which must go well. */
  void load(int id, String manifest) throws Exception {
    channel.write(
        WorkerCommand.newBuilder()
            .setLoad(TestFunctions.loadCommand(id, manifest, directory))
            .build());
    String error = event().getFunction().getError();
    assertTrue(error.isEmpty(), error);
  }

  TestClient connect(WorkerStarted started) throws IOException {
    assertTrue(started.getError().isEmpty(), started.getError());
    return TestClient.connect(
        "shm", started.getAddresses(0).getAddress(), lease.introduction(), WINDOW_BYTES);
  }

  WorkerEvent event() throws IOException {
    WorkerEvent event = channel.readEvent();
    if (event == null) {
      throw new AssertionError(log());
    }
    return event;
  }

  /** What it has written to standard error. */
  String log() throws IOException {
    return Files.readString(directory.resolve("log"), UTF_8);
  }

  int exitCode() throws InterruptedException {
    assertTrue(process.waitFor(20, TimeUnit.SECONDS), "the process stays");
    return process.exitValue();
  }

  @Override
  public void close() throws IOException, InterruptedException {
    process.destroyForcibly().waitFor();
    window.close();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
