package io.farwarp.executor.worker;

import io.farwarp.executor.TestClient;
import io.farwarp.executor.TestFunctions;
import io.farwarp.executor.TestLease;
import io.farwarp.rdma.linux.SharedMemory;
import io.farwarp.v1.DataPathAddress;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.WorkerStarted;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/** A worker in this process, with its real listeners, and the lease that it serves. */
final class RunningWorker implements AutoCloseable {
  static final int NOTHING = 1;
  static final int VECTOR_ADD = 2;
  static final int ADD_THREE = 3;
  static final int SPIN = 4;
  static final int POKE = 5;
  static final int SPEAK = 6;
  static final int HOLD = 7;
  static final long WINDOW_BYTES = 4 << 20;

  final TestLease lease;
  final Worker worker;
  private final Path directory;
  private final SharedMemory window;
  private final List<DataPathAddress> addresses;

  RunningWorker(long ttlMs) throws Exception {
    this(ttlMs, System::nanoTime);
  }

  RunningWorker(long ttlMs, LongSupplier clock) throws Exception {
    lease = new TestLease("L-1", WINDOW_BYTES, ttlMs);
    directory = Files.createTempDirectory("fw");
    window = SharedMemory.create("test-window", WINDOW_BYTES);
    worker = Worker.create(lease.startWorker(window.path(), directory), clock);
    WorkerStarted started = worker.start();
    addresses = started.getAddressesList();
  }

  RunningWorker load(int id, String manifest) throws Exception {
    FunctionPrepared answer = worker.load(TestFunctions.loadCommand(id, manifest, directory));
    if (!answer.getError().isEmpty()) {
      throw new AssertionError(answer.getError());
    }
    return this;
  }

  FunctionPrepared tryLoad(int id, String manifest) throws Exception {
    return worker.load(TestFunctions.loadCommand(id, manifest, directory));
  }

  Path directory() {
    return directory;
  }

  String address(String transport) {
    return addresses.stream()
        .filter(a -> a.getTransport().equals(transport))
        .findFirst()
        .orElseThrow()
        .getAddress();
  }

  TestClient connect(String transport) throws IOException {
    return TestClient.connect(transport, address(transport), lease.introduction(), WINDOW_BYTES);
  }

  @Override
  public void close() {
    worker.close();
    window.close();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
