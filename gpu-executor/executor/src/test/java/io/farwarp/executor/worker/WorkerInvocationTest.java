package io.farwarp.executor.worker;

import static io.farwarp.executor.TestClient.scalar;
import static io.farwarp.executor.TestClient.tensor;
import static io.farwarp.executor.worker.RunningWorker.ADD_THREE;
import static io.farwarp.executor.worker.RunningWorker.NOTHING;
import static io.farwarp.executor.worker.RunningWorker.POKE;
import static io.farwarp.executor.worker.RunningWorker.SPEAK;
import static io.farwarp.executor.worker.RunningWorker.SPIN;
import static io.farwarp.executor.worker.RunningWorker.VECTOR_ADD;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.executor.TestClient;
import io.farwarp.executor.TestClient.Completion;
import io.farwarp.executor.TestFunctions;
import io.farwarp.rdma.MemoryRegion;
import io.farwarp.v1.ElementType;
import io.farwarp.wire.Status;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tagged "ptx": what a GPU does not do, for it cannot stop a kernel nor go on after a fault. */
final class WorkerInvocationTest {
  private static final long MS = 1_000_000;
  private static final int N = 10_000;
  private static final long BYTES = 4L * N;
  private static final long A = 0;
  private static final long B = 65_536;
  private static final long C = 131_072;
  private static final long D = 196_608;

  private RunningWorker worker;

  @BeforeEach
  void start() throws Exception {
    worker =
        new RunningWorker(60_000)
            .load(NOTHING, TestFunctions.NOTHING)
            .load(VECTOR_ADD, TestFunctions.VECTOR_ADD)
            .load(ADD_THREE, TestFunctions.ADD_THREE)
            .load(SPIN, TestFunctions.SPIN)
            .load(POKE, TestFunctions.POKE)
            .load(SPEAK, TestFunctions.SPEAK);
  }

  @AfterEach
  void stop() {
    worker.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void a_kernel_without_arguments_completes(String transport) throws Exception {
    try (TestClient client = worker.connect(transport)) {
      for (int i = 0; i < 1000; i++) {
        Completion done = client.call(NOTHING);
        assertEquals(Status.OK, done.status(), done.detail());
      }
      assertEquals(0, client.duplicates());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void tensors_go_in_and_come_back(String transport) throws Exception {
    try (TestClient client = worker.connect(transport)) {
      fill(client, A, 1);
      fill(client, B, 2);
      Completion done =
          client.call(
              VECTOR_ADD,
              tensor(ElementType.F32, A, BYTES),
              tensor(ElementType.F32, B, BYTES),
              client.out(ElementType.F32, C, BYTES));
      assertEquals(Status.OK, done.status(), done.detail());
      assertTrue(done.kernelNs() > 0);
      for (int i = 0; i < N; i++) {
        assertEquals(3f * i, client.memory().get(JAVA_FLOAT, C + 4L * i));
      }
    }
  }

  @Tag("ptx")
  @Test
  void a_result_whose_region_was_replaced_by_a_smaller_one_is_a_status() throws Exception {
    try (TestClient client = worker.connect("tcp");
        Arena arena = Arena.ofShared()) {
      long before = client.invoke(0, SPIN, TimeUnit.MINUTES.toNanos(1), scalar(ElementType.U32, 1));
      long pulled = client.pull(1, client.out(ElementType.F32, A, BYTES));
      MemoryRegion small = client.queuePair().register(arena.allocate(256));
      client.region(0, small.descriptor());
      client.cancel(0, before);
      Completion refused = client.await(pulled);
      assertEquals(Status.OUT_OF_RANGE, refused.status(), refused.detail());
      assertTrue(refused.detail().contains("replaced"), refused.detail());
      assertEquals(Status.OK, client.call(NOTHING).status());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void a_plan_of_several_launches_runs_by_way_of_scratch(String transport) throws Exception {
    try (TestClient client = worker.connect(transport)) {
      fill(client, A, 1);
      fill(client, B, 2);
      fill(client, C, 4);
      Completion done =
          client.call(
              ADD_THREE,
              tensor(ElementType.F32, A, BYTES),
              tensor(ElementType.F32, B, BYTES),
              tensor(ElementType.F32, C, BYTES),
              client.out(ElementType.F32, D, BYTES));
      assertEquals(Status.OK, done.status(), done.detail());
      for (int i = 0; i < N; i++) {
        assertEquals(7f * i, client.memory().get(JAVA_FLOAT, D + 4L * i));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void many_invocations_in_flight_complete_once_each(String transport) throws Exception {
    try (TestClient client = worker.connect(transport)) {
      long[] inSlot = new long[64];
      List<Long> all = new ArrayList<>();
      for (int i = 0; i < 2_000; i++) {
        int slot = i % 64;
        if (inSlot[slot] != 0) {
          client.await(inSlot[slot]);
        }
        inSlot[slot] =
            i % 3 == 0
                ? client.invoke(
                    slot,
                    VECTOR_ADD,
                    10_000 * MS,
                    tensor(ElementType.F32, A, BYTES),
                    tensor(ElementType.F32, B, BYTES),
                    tensor(ElementType.F32, C, BYTES))
                : client.invoke(slot, NOTHING, 10_000 * MS);
        all.add(inSlot[slot]);
      }
      for (long id : all) {
        Completion done = client.await(id);
        assertEquals(Status.OK, done.status(), done.detail());
      }
      assertEquals(0, client.duplicates());
    }
  }

  @Tag("ptx")
  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void what_a_kernel_prints_comes_with_its_result_and_an_assertion_is_a_fault(String transport)
      throws Exception {
    try (TestClient client = worker.connect(transport)) {
      Completion done = client.call(SPEAK, scalar(ElementType.U32, 7));
      assertEquals(Status.OK, done.status(), done.detail());
      assertEquals("n is 7\n", done.detail());
      Completion failed = client.call(SPEAK, scalar(ElementType.U32, 13));
      assertEquals(Status.DEVICE_FAULT, failed.status());
      String text = "speak.cu:7: void speak(): Assertion `n != 13` failed.";
      assertTrue(failed.detail().endsWith(text), failed.detail());
      assertEquals("", client.call(NOTHING).detail());
    }
  }

  @Tag("ptx")
  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void a_kernel_that_never_ends_is_stopped_by_its_deadline_and_the_session_goes_on(String transport)
      throws Exception {
    try (TestClient client = worker.connect(transport)) {
      Completion done = client.await(client.invoke(0, SPIN, 300 * MS, scalar(ElementType.U32, 1)));
      assertEquals(Status.DEADLINE_EXCEEDED, done.status(), done.detail());
      assertTrue(done.kernelNs() >= 200 * MS, done.toString());
      assertEquals(Status.OK, client.call(NOTHING).status());
    }
  }

  @Tag("ptx")
  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void cancelling_ends_what_runs_and_what_waits(String transport) throws Exception {
    try (TestClient client = worker.connect(transport)) {
      long running = client.invoke(0, SPIN, 60_000 * MS, scalar(ElementType.U32, 1));
      long waiting = client.invoke(1, NOTHING, 60_000 * MS);
      long behind = client.invoke(2, NOTHING, 60_000 * MS);
      client.cancel(1, waiting);
      assertEquals(Status.CANCELLED, client.await(waiting).status());
      long again = client.invoke(1, NOTHING, 60_000 * MS);
      client.cancel(0, running);
      Completion done = client.await(running);
      assertEquals(Status.CANCELLED, done.status(), done.detail());
      assertEquals(Status.OK, client.await(behind).status());
      assertEquals(Status.OK, client.await(again).status());
      assertEquals(0, client.duplicates());
    }
  }

  @Tag("ptx")
  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void a_deadline_also_ends_what_waits_behind_another(String transport) throws Exception {
    try (TestClient client = worker.connect(transport)) {
      long running = client.invoke(0, SPIN, 60_000 * MS, scalar(ElementType.U32, 1));
      long waiting = client.invoke(1, NOTHING, 50 * MS);
      assertEquals(Status.DEADLINE_EXCEEDED, client.await(waiting).status());
      client.cancel(0, running);
      assertEquals(Status.CANCELLED, client.await(running).status());
    }
  }

  @Tag("ptx")
  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void a_long_launch_is_accompanied_by_keep_alives(String transport) throws Exception {
    try (TestClient client = worker.connect(transport)) {
      long running = client.invoke(0, SPIN, 60_000 * MS, scalar(ElementType.U32, 1));
      client.until(() -> client.keepAlives() >= 2);
      client.cancel(0, running);
      assertEquals(Status.CANCELLED, client.await(running).status());
    }
  }

  @Tag("ptx")
  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void a_wild_pointer_is_a_status_and_no_crash(String transport) throws Exception {
    try (TestClient client = worker.connect(transport)) {
      long far = 1L << 40;
      for (long distance : new long[] {4096, -4, far}) {
        Completion done =
            client.call(
                POKE, client.out(ElementType.U32, A, 4096), scalar(ElementType.I64, distance));
        assertEquals(Status.ILLEGAL_ADDRESS, done.status(), done.detail());
      }
      Completion inside =
          client.call(POKE, client.out(ElementType.U32, A, 4096), scalar(ElementType.I64, 4092));
      assertEquals(Status.OK, inside.status(), inside.detail());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void a_resident_tensor_is_pulled_after_what_was_posted_before(String transport) throws Exception {
    try (TestClient client = worker.connect(transport)) {
      fill(client, A, 1);
      fill(client, B, 2);
      long launch =
          client.invoke(
              0,
              VECTOR_ADD,
              10_000 * MS,
              tensor(ElementType.F32, A, BYTES),
              tensor(ElementType.F32, B, BYTES),
              tensor(ElementType.F32, C, BYTES));
      long pull = client.pull(1, client.out(ElementType.F32, C, BYTES));
      assertEquals(Status.OK, client.await(pull).status());
      assertEquals(Status.OK, client.await(launch).status());
      assertEquals(3f * (N - 1), client.memory().get(JAVA_FLOAT, C + 4L * (N - 1)));
      long fence = client.fence(2);
      assertEquals(Status.OK, client.await(fence).status());
    }
  }

  private static void fill(TestClient client, long offset, float factor) {
    for (int i = 0; i < N; i++) {
      client.memory().set(JAVA_FLOAT, offset + 4L * i, factor * i);
    }
    client.push(offset, BYTES);
  }
}
