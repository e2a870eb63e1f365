package io.farwarp.executor.worker;

import static io.farwarp.executor.TestClient.scalar;
import static io.farwarp.executor.TestClient.tensor;
import static io.farwarp.executor.worker.RunningWorker.NOTHING;
import static io.farwarp.executor.worker.RunningWorker.POKE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.sun.management.ThreadMXBean;
import io.farwarp.executor.TestClient;
import io.farwarp.executor.TestFunctions;
import io.farwarp.v1.ElementType;
import io.farwarp.wire.Status;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class WorkerAllocationTest {
  private static final Set<String> HOT_THREADS = Set.of("worker-a", "worker-b", "ptx-stream");
  private static final int ROUNDS = 20_000;

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void an_invocation_allocates_nothing_in_the_worker(String transport) throws Exception {
    try (RunningWorker worker =
            new RunningWorker(60_000)
                .load(NOTHING, TestFunctions.NOTHING)
                .load(POKE, TestFunctions.POKE);
        TestClient client = worker.connect(transport)) {
      run(client);
      long before = allocatedBytes();
      run(client);
      long bytes = allocatedBytes() - before;
      // Once a second the loop looks after its timers; nothing is allowed for each invocation.
      assertEquals(0, bytes / ROUNDS, bytes + " bytes in " + ROUNDS + " rounds");
    }
  }

  private static void run(TestClient client) {
    for (int i = 0; i < ROUNDS; i++) {
      int slot = i % 64;
      long id =
          i % 2 == 0
              ? client.invoke(slot, NOTHING, Long.MAX_VALUE)
              : client.invoke(
                  slot,
                  POKE,
                  Long.MAX_VALUE,
                  tensor(ElementType.U32, 0, 4096),
                  scalar(ElementType.I64, 64));
      assertEquals(Status.OK, client.await(id).status());
    }
  }

  private static long allocatedBytes() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    List<Thread> hot =
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> HOT_THREADS.contains(thread.getName()))
            .toList();
    assertFalse(hot.isEmpty());
    return hot.stream().mapToLong(t -> threads.getThreadAllocatedBytes(t.threadId())).sum();
  }
}
