package io.farwarp.executor.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.executor.TestClient;
import io.farwarp.executor.TestFunctions;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.ElementType;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.WorkerEvent;
import io.farwarp.v1.WorkerStarted;
import io.farwarp.wire.Status;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Workers on a GPU: what faults there ends one worker and nothing else. Each has a process of its
 * own, for after a fault the driver answers nothing else to a process.
 */
@Tag("gpu")
final class CudaWorkerTest {
  private WorkerUnderTest worker;
  private WorkerStarted started;

  @BeforeEach
  void start() throws Exception {
    worker = new WorkerUnderTest(DeviceClass.CUDA);
    started = worker.started();
    assertEquals("", started.getError());
  }

  @AfterEach
  void stop() throws Exception {
    worker.close();
  }

  /** The worker says why, and is gone. */
  private void assertLost(String part) throws Exception {
    WorkerEvent event = worker.event();
    assertEquals(LeaseState.FAILED, event.getEnding().getState());
    assertTrue(event.getEnding().getReason().contains(part), event.getEnding().getReason());
    assertTrue(worker.exitCode() != 0);
  }

  @Test
  void calls_are_answered_while_another_worker_faults() throws Exception {
    worker.load(1, TestFunctions.POKE);
    try (WorkerUnderTest other = new WorkerUnderTest(DeviceClass.CUDA)) {
      WorkerStarted otherStarted = other.started();
      other.load(1, TestFunctions.POKE);
      try (TestClient client = worker.connect(started);
          TestClient otherClient = other.connect(otherStarted)) {
        TestClient.Argument word = TestClient.tensor(ElementType.U32, 0, 4);
        TestClient.Argument here = TestClient.scalar(ElementType.I64, 0);
        assertEquals(Status.OK, client.call(1, word, here).status());
        TestClient.Completion poked =
            otherClient.call(1, word, TestClient.scalar(ElementType.I64, 1L << 45));
        assertEquals(Status.ILLEGAL_ADDRESS, poked.status(), poked.detail());
        assertTrue(poked.detail().contains("CUDA_ERROR_ILLEGAL_ADDRESS"), poked.detail());
        assertEquals(Status.WORKER_LOST, otherClient.awaitEnded().status());
        WorkerEvent event = other.event();
        assertEquals(LeaseState.FAILED, event.getEnding().getState());
        assertTrue(other.exitCode() != 0);
        assertEquals(Status.OK, client.call(1, word, here).status());
      }
    }
  }

  @Test
  void a_kernel_past_its_deadline_ends_with_its_worker() throws Exception {
    worker.load(1, TestFunctions.HOLD);
    try (TestClient client = worker.connect(started)) {
      TestClient.Argument neverSet = TestClient.tensor(ElementType.U32, 0, 4);
      long id = client.invoke(0, 1, TimeUnit.MILLISECONDS.toNanos(300), neverSet);
      TestClient.Completion late = client.await(id);
      assertEquals(Status.DEADLINE_EXCEEDED, late.status(), late.detail());
      assertEquals(Status.WORKER_LOST, client.awaitEnded().status());
      assertLost("did not end");
    }
    // The GPU is free again for the next one.
    try (WorkerUnderTest next = new WorkerUnderTest(DeviceClass.CUDA)) {
      WorkerStarted nextStarted = next.started();
      next.load(1, TestFunctions.NOTHING);
      try (TestClient client = next.connect(nextStarted)) {
        assertEquals(Status.OK, client.call(1).status());
      }
    }
  }

  @Test
  void what_a_kernel_prints_goes_to_the_log_and_an_assertion_ends_the_worker() throws Exception {
    worker.load(1, TestFunctions.SPEAK);
    try (TestClient client = worker.connect(started)) {
      assertEquals(Status.OK, client.call(1, TestClient.scalar(ElementType.U32, 7)).status());
      TestClient.Completion failed = client.call(1, TestClient.scalar(ElementType.U32, 13));
      assertEquals(Status.DEVICE_FAULT, failed.status(), failed.detail());
      assertTrue(failed.detail().contains("CUDA_ERROR_ASSERT"), failed.detail());
      assertLost("CUDA_ERROR_ASSERT");
    }
    assertTrue(worker.log().contains("n is 7"), worker.log());
  }

  @Test
  void the_name_is_the_one_that_the_driver_gives() {
    assertFalse(started.getDeviceName().isEmpty());
    assertFalse(started.getDeviceName().contains("PTX CPU"), started.getDeviceName());
  }
}
