package io.farwarp.executor.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.executor.TestClient;
import io.farwarp.executor.TestFunctions;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.wire.Status;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a worker answers when functions are ordered. */
final class WorkerFunctionTest {
  private RunningWorker worker;

  @BeforeEach
  void start() throws Exception {
    worker = new RunningWorker(60_000).load(1, TestFunctions.NOTHING);
  }

  @AfterEach
  void stop() {
    worker.close();
  }

  @Test
  void a_function_that_is_ordered_again_is_well_and_goes_on_being_served() throws Exception {
    try (TestClient client = worker.connect("shm")) {
      assertEquals(Status.OK, client.call(1).status());
      FunctionPrepared again = worker.tryLoad(1, TestFunctions.NOTHING);
      assertEquals("", again.getError());
      assertEquals("", again.getStatus());
      assertEquals(Status.OK, client.call(1).status());
    }
  }

  @Test
  void a_number_is_not_given_to_another_function() throws Exception {
    FunctionPrepared refused = worker.tryLoad(1, TestFunctions.VECTOR_ADD);
    assertEquals(Status.INVALID_ARGUMENT.name(), refused.getStatus());
    assertTrue(refused.getError().contains("number 1 is taken"), refused.getError());
    try (TestClient client = worker.connect("shm")) {
      assertEquals(Status.OK, client.call(1).status());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, FunctionTable.MAX_FUNCTION_ID + 1})
  void numbers_that_there_are_not_are_refused(int id) throws Exception {
    FunctionPrepared refused = worker.tryLoad(id, TestFunctions.VECTOR_ADD);
    assertEquals(Status.INVALID_ARGUMENT.name(), refused.getStatus());
    assertTrue(refused.getError().contains("function number " + id), refused.getError());
  }

  @Test
  void a_function_that_could_not_be_warmed_can_be_ordered_again() throws Exception {
    String faulty =
        TestFunctions.SPEAK.replace("[\"n\"]}]}", "[\"n\"]}], \"example\": {\"n\": \"13\"}}");
    FunctionPrepared refused = worker.tryLoad(2, faulty);
    assertEquals(Status.DEVICE_FAULT.name(), refused.getStatus(), refused.getError());
    assertEquals("", worker.tryLoad(2, TestFunctions.SPEAK).getError());
  }
}
