package io.farwarp.client;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;
import static io.farwarp.client.Argument.scalar;
import static io.farwarp.v1.ElementType.F32;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.LeaseState;
import io.farwarp.wire.MessageKind;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InFlightTest {
  private static final Argument[] SCALARS = {
    scalar(-1), scalar(2), scalar(3), scalar(4f), scalar(5.0)
  };

  private TestCloud cloud;
  private Lease lease;

  @BeforeEach
  void start(@TempDir Path directory) throws IOException {
    cloud = new TestCloud(directory);
    lease = cloud.lease();
  }

  @AfterEach
  void stop() throws IOException {
    lease.close();
    cloud.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void many_threads_with_many_calls_each_get_their_own_answers(String transport) throws Exception {
    int threads = 6;
    int rounds = 150;
    Random order = new Random(42);
    List<TestWorker.Call> held = new ArrayList<>();
    // Answers in a shuffled order, some calls held back past later ones.
    cloud.worker.script(
        TestFunctions.ADD,
        call -> {
          held.add(call);
          while (held.size() > order.nextInt(6)) {
            TestCloud.add(held.remove(order.nextInt(held.size())));
          }
          cloud.worker.onWorker(() -> {
            held.forEach(TestCloud::add);
            held.clear();
          });
        });
    AtomicInteger right = new AtomicInteger();
    try (Session session = lease.open(SessionOptions.transport(transport))) {
      List<CompletableFuture<Void>> callers = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int caller = t;
        callers.add(
            CompletableFuture.runAsync(
                () -> call(session, caller, rounds, right), task -> new Thread(task).start()));
      }
      CompletableFuture.allOf(callers.toArray(CompletableFuture[]::new)).get(60, TimeUnit.SECONDS);
      assertEquals(threads * rounds, right.get());
      assertEquals(threads * rounds, session.metrics().completed());
      assertEquals(0, session.inFlight());
      session.engine().inFlight().validate();
    }
  }

  private static void call(Session session, int caller, int rounds, AtomicInteger right) {
    RemoteFunction add = session.function("add:1");
    int depth = 4;
    List<Tensor[]> tensors = new ArrayList<>();
    for (int i = 0; i < depth; i++) {
      tensors.add(
          new Tensor[] {session.tensor(F32, 64), session.tensor(F32, 64), session.tensor(F32, 64)});
    }
    Queue<Integer> places = new ArrayDeque<>();
    Invocation[] calls = new Invocation[depth];
    for (int round = 0; round < rounds + depth; round++) {
      if (places.size() == depth || (round >= rounds && !places.isEmpty())) {
        int place = places.remove();
        // Every other call is waited for by its future: the session's thread polls for these.
        Invocation done =
            place % 2 == 0 ? calls[place].await(ofSeconds(20)) : calls[place].future().join();
        float sum = tensors.get(place)[2].segment().get(ValueLayout.JAVA_FLOAT, 0);
        float wanted = tensors.get(place)[0].segment().get(ValueLayout.JAVA_FLOAT, 0) + caller;
        if (done.status() == Status.OK && sum == wanted) {
          right.incrementAndGet();
        }
      }
      if (round < rounds) {
        int place = round % depth;
        Tensor[] t = tensors.get(place);
        TestCloud.fill(t[0], round * 1000f, 0);
        TestCloud.fill(t[1], caller, 0);
        calls[place] = add.invoke(in(t[0]), in(t[1]), out(t[2]));
        places.add(place);
      }
    }
  }

  /** The seed decides what callers and the worker do; how they interleave stays the machine's. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void whatever_callers_and_worker_do_every_call_ends_once(long seed) throws Exception {
    Random workersMind = new Random(seed);
    List<TestWorker.Call> held = new ArrayList<>();
    cloud.worker.script(
        TestFunctions.ADD,
        call -> {
          switch (workersMind.nextInt(4)) {
            case 0 -> TestCloud.add(call);
            case 1 -> call.answer(Status.DEVICE_FAULT, "at random");
            default -> held.add(call);
          }
          if (held.size() > 8) {
            held.forEach(late -> answerUnlessCancelled(late));
            held.clear();
          }
        });
    try (Session session = lease.open(SessionOptions.transport(seed % 2 == 0 ? "shm" : "tcp"))) {
      AtomicInteger told = new AtomicInteger();
      int threads = 4;
      int calls = 120;
      List<CompletableFuture<Void>> callers = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        Random mind = new Random(seed * 100 + t);
        callers.add(
            CompletableFuture.runAsync(
                () -> callAtRandom(session, mind, calls, told), task -> new Thread(task).start()));
      }
      CompletableFuture.allOf(callers.toArray(CompletableFuture[]::new)).get(60, TimeUnit.SECONDS);
      TestCloud.await(() -> told.get() == threads * calls, "every future was told once");
      SessionMetrics metrics = session.metrics();
      assertEquals(threads * calls, metrics.posted());
      assertEquals(threads * calls, metrics.completed() + metrics.failed());
      assertEquals(0, session.inFlight());
      assertEquals(TestCloud.WINDOW_BYTES, session.freeBytes());
      session.engine().inFlight().validate();
    }
  }

  private static void answerUnlessCancelled(TestWorker.Call call) {
    if (call.isOpen()) {
      TestCloud.add(call);
    }
  }

  private static void callAtRandom(Session session, Random mind, int calls, AtomicInteger told) {
    RemoteFunction add = session.function("add:1").deadline(ofSeconds(30));
    Queue<Invocation> open = new ArrayDeque<>();
    for (int i = 0; i < calls; i++) {
      int n = 1 + mind.nextInt(300);
      // Closed at once: the ranges are kept for as long as the call needs them.
      try (Tensor a = session.tensor(F32, n);
          Tensor b = session.tensor(F32, n);
          Tensor c = session.tensor(F32, n)) {
        Invocation call = add.invoke(in(a), in(b), out(c));
        var _ = call.future().whenComplete((_, _) -> told.incrementAndGet());
        open.add(call);
      }
      while (open.size() > mind.nextInt(10)) {
        Invocation oldest = open.remove();
        if (mind.nextInt(3) > 0 || !oldest.awaitEnd(ofMillis(mind.nextInt(3)))) {
          oldest.cancel();
        }
        assertTrue(oldest.awaitEnd(ofSeconds(30)));
      }
    }
    open.forEach(Invocation::cancel);
    open.forEach(call -> assertTrue(call.awaitEnd(ofSeconds(30))));
  }

  @Test
  void every_slot_can_be_taken_and_the_next_post_is_refused_or_waits() {
    List<TestWorker.Call> held = new CopyOnWriteArrayList<>();
    cloud.worker.script(TestFunctions.SCALARS, held::add);
    try (Session session = lease.open()) {
      RemoteFunction function = session.function("scalars");
      List<PreparedInvocation> posted = new ArrayList<>();
      for (int i = 0; i < session.maxInFlight(); i++) {
        PreparedInvocation call = function.prepare(SCALARS);
        assertTrue(call.tryPost(60_000_000_000L));
        posted.add(call);
      }
      session.engine().inFlight().validate();
      PreparedInvocation one = function.prepare(SCALARS);
      assertThrows(IllegalStateException.class, one::await);
      assertFalse(one.tryPost(60_000_000_000L));
      InvocationException full =
          assertThrows(
              InvocationException.class, () -> function.deadline(ofMillis(50)).invoke(SCALARS));
      assertEquals(Status.DEADLINE_EXCEEDED, full.status());
      cloud.worker.onWorker(() -> held.removeFirst().ok());
      one.post(20_000_000_000L);
      TestCloud.await(() -> held.size() == session.maxInFlight(), "the last call has arrived");
      cloud.worker.onWorker(() -> held.forEach(TestWorker.Call::ok));
      posted.forEach(call -> assertEquals(Status.OK, call.await()));
      assertEquals(Status.OK, one.await());
      assertThrows(
          IllegalStateException.class,
          () -> {
            one.post(1_000_000_000L);
            one.post(1_000_000_000L);
          });
    }
  }

  @Test
  void cancelled_call_completes_once_and_the_session_goes_on() {
    cloud.worker.script(TestFunctions.SCALARS, _ -> {});
    try (Session session = lease.open()) {
      RemoteFunction function = session.function("scalars:1");
      Invocation call = function.invoke(SCALARS);
      call.cancel();
      call.cancel();
      assertTrue(call.awaitEnd(ofSeconds(10)));
      assertEquals(Status.CANCELLED, call.status());
      assertEquals(
          Status.CANCELLED,
          assertThrows(InvocationException.class, () -> call.await(ofSeconds(1))).status());
      assertEquals(1, cloud.worker.cancelledIds.size());
      cloud.worker.script(TestFunctions.SCALARS, TestWorker.Call::ok);
      assertEquals(Status.OK, function.invoke(SCALARS).await(ofSeconds(10)).status());
    }
  }

  @Test
  void await_that_runs_out_cancels_the_call() {
    cloud.worker.script(TestFunctions.SCALARS, _ -> {});
    try (Session session = lease.open()) {
      Invocation call = session.function("scalars:1").invoke(SCALARS);
      InvocationException e =
          assertThrows(InvocationException.class, () -> call.await(ofMillis(20)));
      assertEquals(Status.DEADLINE_EXCEEDED, e.status());
      TestCloud.await(call::isDone, "the worker has answered the cancel");
      assertEquals(Status.CANCELLED, call.status());
    }
  }

  @Test
  void kernel_fault_is_an_exception_with_its_text() {
    cloud.worker.script(
        TestFunctions.SCALARS,
        call -> call.answer(Status.ILLEGAL_ADDRESS, "kernel scalars read 8 bytes at 0x10"));
    try (Session session = lease.open()) {
      Invocation call = session.function("scalars:1").invoke(SCALARS);
      InvocationException e = assertThrows(InvocationException.class, call::await);
      assertEquals(Status.ILLEGAL_ADDRESS, e.status());
      assertTrue(e.getMessage().contains("0x10"), e.getMessage());
      CompletionException late =
          assertThrows(CompletionException.class, () -> call.future().join());
      assertInstanceOf(InvocationException.class, late.getCause());
    }
  }

  @Test
  void worker_that_never_answers_does_not_keep_a_call_beyond_deadline_and_grace() {
    List<TestWorker.Call> held = new ArrayList<>();
    cloud.worker.answersCancels = false;
    cloud.worker.script(TestFunctions.SCALARS, held::add);
    try (Session session = lease.open()) {
      RemoteFunction function = session.function("scalars:1").deadline(ofMillis(10));
      Invocation call = function.invoke(SCALARS);
      InvocationException e = assertThrows(InvocationException.class, call::await);
      assertEquals(Status.DEADLINE_EXCEEDED, e.status());
      assertEquals(1, session.inFlight(), "the slot waits for the late answer");
      session.engine().inFlight().validate();
      cloud.worker.onWorker(() -> held.getFirst().ok());
      TestCloud.await(() -> session.inFlight() == 0, "the late answer has freed the slot");
      assertEquals(Status.DEADLINE_EXCEEDED, call.status());
      assertTrue(session.isOpen());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void vanished_worker_fails_all_calls_once_and_the_session_with_them(String transport)
      throws Exception {
    cloud.worker.script(TestFunctions.SCALARS, _ -> {});
    CountDownLatch told = new CountDownLatch(1);
    try (Session session = lease.open(SessionOptions.transport(transport))) {
      session.onEnded(_ -> told.countDown());
      Tensor resident = session.resident(F32, 10);
      RemoteFunction function = session.function("scalars:1");
      List<Invocation> calls = new ArrayList<>();
      List<CompletableFuture<Invocation>> futures = new ArrayList<>();
      Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
      for (int i = 0; i < 40; i++) {
        Invocation call = function.invoke(SCALARS);
        calls.add(call);
        futures.add(
            call.future()
                .whenComplete((_, e) -> {
                  if (e != null) {
                    failures.add(e);
                  }
                }));
      }
      cloud.worker.vanish();
      for (Invocation call : calls) {
        SessionLostException e = assertThrows(SessionLostException.class, call::await);
        assertEquals(transport.equals("shm") ? Status.WORKER_LOST : Status.LINK_BROKEN, e.status());
      }
      TestCloud.await(() -> failures.size() == 40, "every future has failed");
      assertTrue(told.await(10, TimeUnit.SECONDS));
      assertTrue(futures.stream().allMatch(CompletableFuture::isCompletedExceptionally));
      assertEquals(40, session.metrics().failed());
      assertEquals(0, session.inFlight());
      session.engine().inFlight().validate();
      assertThrows(SessionLostException.class, resident::segment);
      assertThrows(SessionLostException.class, () -> function.invoke(SCALARS));
    }
  }

  @Test
  void idle_session_notices_that_its_worker_is_gone() {
    try (Session session = lease.open()) {
      cloud.worker.vanish();
      TestCloud.await(() -> !session.isOpen(), "the session is lost");
    }
  }

  @Test
  void workers_last_word_is_the_reason_that_calls_fail_with() {
    cloud.worker.script(TestFunctions.SCALARS, _ -> {});
    try (Session session = lease.open()) {
      Invocation call = session.function("scalars:1").invoke(SCALARS);
      cloud.worker.end(Status.LEASE_EXPIRED, "the lease's time is up");
      SessionLostException e = assertThrows(SessionLostException.class, call::await);
      assertEquals(Status.LEASE_EXPIRED, e.status());
      assertTrue(e.getMessage().contains("time is up"), e.getMessage());
    }
  }

  @Test
  void end_of_the_lease_ends_calls_in_flight() {
    cloud.worker.script(TestFunctions.SCALARS, _ -> {});
    try (Session session = lease.open()) {
      Invocation call = session.function("scalars:1").invoke(SCALARS);
      TestCloud.await(() -> !cloud.gateway.watchers.isEmpty(), "the lease is watched");
      cloud.gateway.endLease(LeaseState.REVOKED, "needed elsewhere");
      SessionLostException e = assertThrows(SessionLostException.class, call::await);
      assertEquals(Status.LEASE_REVOKED, e.status());
      assertTrue(e.getMessage().contains("needed elsewhere"), e.getMessage());
      assertThrows(LeaseException.class, lease::open);
    }
  }

  @Test
  void closing_a_session_ends_its_calls() {
    cloud.worker.script(TestFunctions.SCALARS, _ -> {});
    Session session = lease.open();
    Invocation call = session.function("scalars:1").invoke(SCALARS);
    CompletableFuture<Invocation> future = call.future();
    session.close();
    session.close();
    assertEquals(Status.CANCELLED, call.status());
    assertThrows(CompletionException.class, future::join);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"short", "kind", "status", "slot", "id", "time", "detail", "long detail", "end"})
  void malformed_message_breaks_the_session_with_protocol_error(String flaw) {
    cloud.worker.script(TestFunctions.SCALARS, _ -> {});
    try (Session session = lease.open()) {
      Invocation call = session.function("scalars:1").invoke(SCALARS);
      cloud.worker.sendRaw(malformed(flaw));
      SessionLostException e = assertThrows(SessionLostException.class, call::await);
      assertEquals(Status.PROTOCOL_ERROR, e.status(), e.getMessage());
      assertFalse(session.isOpen());
    }
  }

  private static byte[] malformed(String flaw) {
    MemorySegment message = MemorySegment.ofArray(new byte[Wire.HEADER_BYTES]);
    message.set(Wire.U8, Wire.KIND, MessageKind.COMPLETION);
    message.set(Wire.I64, Wire.RESPONSE_INVOCATION_ID, 1);
    switch (flaw) {
      case "short" -> {
        return new byte[] {MessageKind.COMPLETION};
      }
      case "kind" -> message.set(Wire.U8, Wire.KIND, (byte) 99);
      case "status" -> message.set(Wire.U16, Wire.RESPONSE_STATUS, (short) 4711);
      case "slot" -> message.set(Wire.U32, Wire.RESPONSE_SLOT, -3);
      case "id" -> message.set(Wire.I64, Wire.RESPONSE_INVOCATION_ID, 2);
      case "time" -> message.set(Wire.I64, Wire.RESPONSE_KERNEL_NS, -1);
      case "detail" -> message.set(Wire.U32, Wire.RESPONSE_DETAIL_BYTES, 1);
      case "long detail" -> message.set(Wire.U32, Wire.RESPONSE_DETAIL_BYTES, -1);
      case "end" -> message.set(Wire.U8, Wire.KIND, MessageKind.ENDED);
      default -> throw new IllegalArgumentException(flaw);
    }
    return message.toArray(ValueLayout.JAVA_BYTE);
  }

  @Test
  void answer_that_comes_twice_breaks_the_session() {
    cloud.worker.script(
        TestFunctions.SCALARS,
        call -> {
          call.ok();
          call.ok();
        });
    try (Session session = lease.open()) {
      RemoteFunction function = session.function("scalars:1");
      assertEquals(Status.OK, function.invoke(SCALARS).await().status());
      TestCloud.await(() -> !session.isOpen(), "the second answer was seen");
      assertEquals(Status.PROTOCOL_ERROR, TestCloud.statusOf(() -> function.invoke(SCALARS)));
    }
  }
}
