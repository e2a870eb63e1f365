package io.farwarp.executor.worker;

import static io.farwarp.executor.TestClient.scalar;
import static io.farwarp.executor.TestClient.tensor;
import static io.farwarp.executor.worker.RunningWorker.HOLD;
import static io.farwarp.executor.worker.RunningWorker.NOTHING;
import static io.farwarp.executor.worker.RunningWorker.SPIN;
import static io.farwarp.executor.worker.RunningWorker.VECTOR_ADD;
import static io.farwarp.executor.worker.RunningWorker.WINDOW_BYTES;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.executor.TestClient;
import io.farwarp.executor.TestClient.Argument;
import io.farwarp.executor.TestClient.Completion;
import io.farwarp.executor.TestFunctions;
import io.farwarp.rdma.CompletionHandler;
import io.farwarp.rdma.WriteStatus;
import io.farwarp.v1.ElementType;
import io.farwarp.wire.MessageKind;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Requests that a client should not send: each is answered, and the session goes on or is ended.
 */
final class WorkerRefusalTest {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private RunningWorker worker;

  @BeforeEach
  void start() throws Exception {
    worker =
        new RunningWorker(60_000)
            .load(NOTHING, TestFunctions.NOTHING)
            .load(VECTOR_ADD, TestFunctions.VECTOR_ADD)
            .load(SPIN, TestFunctions.SPIN)
            .load(HOLD, TestFunctions.HOLD);
  }

  @AfterEach
  void stop() {
    worker.close();
  }

  private static Argument f32(long offset, long length) {
    return tensor(ElementType.F32, offset, length);
  }

  private static void refused(
      TestClient client, Status status, String part, int function, Argument... arguments) {
    Completion done = client.call(function, arguments);
    assertEquals(status, done.status(), done.detail());
    assertTrue(done.detail().contains(part), done.detail());
    assertEquals(Status.OK, client.call(NOTHING).status());
  }

  @Test
  void ranges_outside_the_window_are_refused_with_the_numbers() throws Exception {
    try (TestClient client = worker.connect("shm")) {
      Argument fine = f32(0, 4096);
      Argument[] bad = {
        f32(WINDOW_BYTES, 4096),
        f32(WINDOW_BYTES - 2048, 4096),
        f32(-256, 4096),
        f32(256, -4096),
        f32(256, Long.MAX_VALUE - 255),
        f32(Long.MAX_VALUE - 255, 4096),
        f32(Long.MIN_VALUE, Long.MIN_VALUE),
      };
      for (Argument argument : bad) {
        refused(
            client, Status.OUT_OF_RANGE, "window of", VECTOR_ADD, fine, argument, f32(8192, 4096));
        refused(client, Status.OUT_OF_RANGE, "window of", VECTOR_ADD, fine, fine, argument);
      }
    }
  }

  @Test
  void misaligned_and_overlapping_tensors_are_refused() throws Exception {
    try (TestClient client = worker.connect("shm")) {
      refused(
          client,
          Status.OUT_OF_RANGE,
          "no multiple of 256",
          VECTOR_ADD,
          f32(4, 4096),
          f32(8192, 4096),
          f32(16384, 4096));
      refused(
          client,
          Status.OUT_OF_RANGE,
          "overlaps",
          VECTOR_ADD,
          f32(0, 4096),
          f32(8192, 4096),
          f32(8192 + 2048, 4096));
      refused(
          client,
          Status.OUT_OF_RANGE,
          "overlaps",
          VECTOR_ADD,
          f32(0, 4096),
          f32(8192, 4096),
          f32(0, 4096));
      Completion twoInputsMayOverlap =
          client.call(VECTOR_ADD, f32(0, 4096), f32(256, 4096), f32(8192, 4096));
      assertEquals(Status.OK, twoInputsMayOverlap.status(), twoInputsMayOverlap.detail());
    }
  }

  @Test
  void wrong_counts_kinds_types_and_shapes_are_refused() throws Exception {
    try (TestClient client = worker.connect("shm")) {
      Argument a = f32(0, 4096);
      Argument b = f32(4096, 4096);
      Argument c = f32(8192, 4096);
      refused(client, Status.INVALID_ARGUMENT, "takes 3 arguments, not 2", VECTOR_ADD, a, b);
      refused(client, Status.INVALID_ARGUMENT, "takes 3 arguments, not 4", VECTOR_ADD, a, b, c, c);
      refused(
          client,
          Status.INVALID_ARGUMENT,
          "b is a tensor, not a scalar",
          VECTOR_ADD,
          a,
          scalar(ElementType.F32, 1),
          c);
      refused(
          client,
          Status.INVALID_ARGUMENT,
          "is of type f32",
          VECTOR_ADD,
          a,
          tensor(ElementType.F64, 4096, 4096),
          c);
      refused(client, Status.INVALID_ARGUMENT, "b", VECTOR_ADD, a, f32(4096, 2048), c);
      refused(client, Status.INVALID_ARGUMENT, "", VECTOR_ADD, f32(0, 4095), b, c);
      refused(client, Status.INVALID_ARGUMENT, "", NOTHING, a);
      refused(
          client, Status.INVALID_ARGUMENT, "more bits", SPIN, scalar(ElementType.U32, 1L << 32));
      refused(
          client,
          Status.INVALID_ARGUMENT,
          "flags",
          VECTOR_ADD,
          new Argument(Wire.ARGUMENT_TENSOR, ElementType.F32.getNumber(), (byte) 2, 0, 0, 4096, 0),
          b,
          c);
    }
  }

  @Test
  void a_grid_that_would_be_empty_is_refused() throws Exception {
    try (TestClient client = worker.connect("shm")) {
      refused(
          client,
          Status.INVALID_LAUNCH,
          "grid x is 0",
          VECTOR_ADD,
          f32(0, 0),
          f32(256, 0),
          f32(512, 0));
    }
  }

  @Test
  void unknown_functions_are_refused() throws Exception {
    try (TestClient client = worker.connect("shm")) {
      for (int id : new int[] {0, 99, -1, Integer.MAX_VALUE}) {
        refused(client, Status.UNKNOWN_FUNCTION, "no function", id);
      }
    }
  }

  @Test
  void regions_that_are_unknown_or_too_small_are_refused() throws Exception {
    try (TestClient client = worker.connect("tcp")) {
      Argument a = f32(0, 4096);
      Argument b = f32(4096, 4096);
      byte back = Wire.ARGUMENT_RETURN;
      int type = ElementType.F32.getNumber();
      refused(
          client,
          Status.OUT_OF_RANGE,
          "region 7 was not made known",
          VECTOR_ADD,
          a,
          b,
          new Argument(Wire.ARGUMENT_TENSOR, type, back, 7, 8192, 4096, 0));
      refused(
          client,
          Status.OUT_OF_RANGE,
          "client's region 0",
          VECTOR_ADD,
          a,
          b,
          new Argument(Wire.ARGUMENT_TENSOR, type, back, 0, 8192, 4096, WINDOW_BYTES - 4095));
      refused(
          client,
          Status.OUT_OF_RANGE,
          "client's region 0",
          VECTOR_ADD,
          a,
          b,
          new Argument(Wire.ARGUMENT_TENSOR, type, back, 0, 8192, 4096, -1));
    }
  }

  @Test
  void slots_and_ids_that_are_taken_are_refused() throws Exception {
    try (TestClient client = worker.connect("shm")) {
      long running = client.invoke(0, HOLD, 60 * SECOND, tensor(ElementType.U32, 0, 4));
      long second = client.invoke(0, NOTHING, 60 * SECOND);
      Completion refused = client.await(second);
      assertEquals(Status.INVALID_ARGUMENT, refused.status());
      assertTrue(refused.detail().contains("slot 0 is in use"), refused.detail());
      client.memory().set(JAVA_INT, 0, 1);
      client.push(0, 4);
      assertEquals(Status.OK, client.await(running).status());
      client.request(MessageKind.INVOKE, 3, 0, NOTHING, SECOND);
      Completion old = client.await(0);
      assertEquals(Status.INVALID_ARGUMENT, old.status());
      assertTrue(old.detail().contains("does not follow"), old.detail());
      long noTime = client.invoke(1, NOTHING, 0);
      assertEquals(Status.INVALID_ARGUMENT, client.await(noTime).status());
      assertEquals(Status.OK, client.call(NOTHING).status());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void malformed_messages_end_the_session_and_the_worker_takes_a_new_one(String transport)
      throws Exception {
    Random random = new Random(1);
    byte[] garbage = new byte[200];
    random.nextBytes(garbage);
    garbage[0] = 99;
    byte[] unknownRegion = new byte[Wire.HEADER_BYTES + 8];
    unknownRegion[0] = MessageKind.REGION;
    unknownRegion[(int) Wire.REQUEST_PAYLOAD_BYTES] = 8;
    byte[] tooManyArguments = new byte[Wire.HEADER_BYTES];
    tooManyArguments[0] = MessageKind.INVOKE;
    tooManyArguments[(int) Wire.REQUEST_ARGUMENT_COUNT] = 31;
    byte[] missingArguments = tooManyArguments.clone();
    missingArguments[(int) Wire.REQUEST_ARGUMENT_COUNT] = 1;
    byte[] badSlot = new byte[Wire.HEADER_BYTES];
    badSlot[0] = MessageKind.INVOKE;
    badSlot[(int) Wire.REQUEST_SLOT] = 64;
    byte[][] messages = {{1}, garbage, unknownRegion, tooManyArguments, missingArguments, badSlot};
    for (byte[] message : messages) {
      try (TestClient client = worker.connect(transport)) {
        assertEquals(Status.OK, client.call(NOTHING).status());
        client.raw(message);
        Completion ended = client.awaitEnded();
        assertEquals(Status.PROTOCOL_ERROR, ended.status(), ended.detail());
        assertTrue(!ended.detail().isEmpty());
      }
    }
    try (TestClient client = worker.connect(transport)) {
      assertEquals(Status.OK, client.call(NOTHING).status());
    }
  }

  @ParameterizedTest
  @ValueSource(
      bytes = {MessageKind.FENCE, MessageKind.CANCEL, MessageKind.KEEP_ALIVE, MessageKind.GOODBYE})
  void a_message_that_is_all_header_has_nothing_behind_it(byte kind) throws Exception {
    byte[] tooLong = new byte[Wire.HEADER_BYTES + 1];
    tooLong[0] = kind;
    tooLong[(int) Wire.REQUEST_INVOCATION_ID] = 1;
    try (TestClient client = worker.connect("shm")) {
      client.raw(tooLong);
      Completion ended = client.awaitEnded();
      assertEquals(Status.PROTOCOL_ERROR, ended.status(), ended.detail());
      assertTrue(ended.detail().contains("with 65 bytes"), ended.detail());
    }
    try (TestClient client = worker.connect("shm")) {
      assertEquals(Status.OK, client.call(NOTHING).status());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void random_requests_never_cost_the_worker_its_life(String transport) throws Exception {
    Random random = new Random(7);
    for (int session = 0; session < 20; session++) {
      try (TestClient client = worker.connect(transport)) {
        for (int i = 0; i < 20 && client.queuePair().isOpen(); i++) {
          byte[] message = new byte[1 + random.nextInt(Wire.MAX_MESSAGE_BYTES)];
          random.nextBytes(message);
          message[0] = (byte) (1 + random.nextInt(MessageKind.REGION));
          if (client.queuePair().claimMessage() != null) {
            client.raw(message);
          }
          client.queuePair().poll(client, 16);
        }
      }
    }
    try (TestClient client = worker.connect(transport)) {
      assertEquals(Status.OK, client.call(NOTHING).status());
    }
  }

  @Test
  void a_client_that_fetches_no_completions_costs_only_its_session() throws Exception {
    try (TestClient client = worker.connect("shm")) {
      long id = 1;
      while (client.queuePair().isOpen() && id < 1_000_000) {
        if (client.queuePair().claimMessage() != null) {
          client.request(MessageKind.INVOKE, 0, id++, 999, SECOND);
        } else {
          client.queuePair().await(1_000_000);
          client.queuePair().poll(NOBODY, 0);
        }
        if (id > 5000) {
          break;
        }
      }
    }
    try (TestClient client = worker.connect("shm")) {
      assertEquals(Status.OK, client.call(NOTHING).status());
    }
  }

  private static final CompletionHandler NOBODY =
      new CompletionHandler() {
        @Override
        public void message(MemorySegment b, long at, int length) {}

        @Override
        public void written(long id, WriteStatus status) {}

        @Override
        public void disconnected(String reason) {}
      };
}
