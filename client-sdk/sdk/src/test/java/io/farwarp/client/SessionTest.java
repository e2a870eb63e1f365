package io.farwarp.client;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.inout;
import static io.farwarp.client.Argument.out;
import static io.farwarp.client.Argument.scalar;
import static io.farwarp.v1.ElementType.F32;
import static io.farwarp.v1.ElementType.F64;
import static java.time.Duration.ofSeconds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.rdma.linux.HostId;
import io.farwarp.wire.MessageKind;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SessionTest {
  private static final int N = 1000;

  private TestCloud cloud;

  @BeforeEach
  void start(@TempDir Path directory) throws IOException {
    cloud = new TestCloud(directory);
  }

  @AfterEach
  void stop() throws IOException {
    cloud.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void call_returns_what_the_worker_computed(String transport) {
    try (Lease lease = cloud.lease();
        Session session = lease.open(SessionOptions.transport(transport))) {
      Tensor a = session.tensor(F32, N);
      Tensor b = session.tensor(F32, N);
      Tensor c = session.tensor(F32, N);
      TestCloud.fill(a, 1, 1);
      TestCloud.fill(b, 100, 2);
      Invocation done = session.function("add:1").invoke(in(a), in(b), out(c)).await(ofSeconds(10));
      for (int i = 0; i < N; i++) {
        assertEquals(101f + 3 * i, c.segment().getAtIndex(ValueLayout.JAVA_FLOAT, i));
      }
      assertEquals(transport, session.dataPath().transport());
      assertEquals(Status.OK, done.status());
      assertEquals(1000, done.timings().kernelNs());
      assertTrue(done.timings().totalNs() > 0);
      long moved = transport.equals("shm") ? 0 : 4 * N;
      assertEquals(2 * moved, session.metrics().pushedBytes());
      assertEquals(moved, session.metrics().returnedBytes());
      session.engine().inFlight().validate();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void inout_tensor_goes_there_and_comes_back(String transport) {
    try (Lease lease = cloud.lease();
        Session session = lease.open(SessionOptions.transport(transport))) {
      Tensor x = session.tensor(F64, 3, 5);
      x.segment().setAtIndex(ValueLayout.JAVA_DOUBLE, 14, 7.0);
      RemoteFunction scale = session.function("scale");
      for (int i = 0; i < 3; i++) {
        scale.invoke(inout(x), scalar(3), scalar(5), scalar(2.0)).await();
      }
      assertEquals(56.0, x.segment().getAtIndex(ValueLayout.JAVA_DOUBLE, 14));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void resident_tensor_is_stale_after_a_call_until_it_is_pulled(String transport) {
    try (Lease lease = cloud.lease();
        Session session = lease.open(SessionOptions.transport(transport))) {
      Tensor x = session.resident(F64, 1, 2);
      x.segment().setAtIndex(ValueLayout.JAVA_DOUBLE, 1, 3.0);
      x.push().await(ofSeconds(10));
      RemoteFunction scale = session.function("scale:1");
      scale.invoke(inout(x), scalar(1), scalar(2), scalar(10.0)).await(ofSeconds(10));
      scale.invoke(inout(x), scalar(1), scalar(2), scalar(10.0)).await(ofSeconds(10));
      assertTrue(x.isStale());
      assertThrows(TensorException.class, x::segment);
      x.pull().await(ofSeconds(10));
      assertFalse(x.isStale());
      assertEquals(300.0, x.segment().getAtIndex(ValueLayout.JAVA_DOUBLE, 1));
      long moved = transport.equals("shm") ? 0 : 16;
      assertEquals(moved, session.metrics().pushedBytes(), "the calls push no resident tensor");
      assertEquals(moved, session.metrics().returnedBytes());
    }
  }

  @Test
  void pull_posted_before_a_call_does_not_hide_what_the_call_writes() {
    try (Lease lease = cloud.lease();
        Session session = lease.open()) {
      Tensor x = session.resident(F64, 1, 1);
      RemoteFunction scale = session.function("scale:1");
      Transfer pull = x.pull();
      scale.invoke(inout(x), scalar(1), scalar(1), scalar(2.0)).await();
      pull.await();
      assertTrue(x.isStale());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void memory_of_the_caller_is_a_source(String transport) {
    try (Arena arena = Arena.ofConfined();
        Lease lease = cloud.lease();
        Session session = lease.open(SessionOptions.transport(transport))) {
      MemorySegment own = arena.allocate(4 * N, 64);
      Tensor a = session.wrap(own, F32, N);
      Tensor b = session.tensor(F32, N);
      Tensor c = session.tensor(F32, N);
      TestCloud.fill(b, 1, 0);
      PreparedInvocation add = session.function("add:1").prepare(in(a), in(b), out(c));
      for (int round = 1; round <= 3; round++) {
        TestCloud.fill(a, round, 1);
        add.post(10_000_000_000L);
        assertEquals(Status.OK, add.await());
        assertEquals(round + N, c.segment().getAtIndex(ValueLayout.JAVA_FLOAT, N - 1));
      }
      assertEquals(transport.equals("shm") ? 3 * 4 * N : 0, session.metrics().copiedBytes());
      assertThrows(
          ArgumentException.class, () -> session.function("add:1").invoke(in(b), in(c), out(a)));
      a.close();
      assertThrows(TensorException.class, () -> add.post(1_000_000_000L));
    }
  }

  @Test
  void auto_takes_shared_memory_on_the_same_host_and_says_why() {
    try (Lease lease = cloud.lease();
        Session session = lease.open()) {
      assertEquals("shm", session.dataPath().transport());
      assertTrue(session.dataPath().reason().contains("this host"), session.dataPath().reason());
      assertEquals(2, lease.dataPaths(0).size());
    }
  }

  @Test
  void auto_takes_tcp_where_the_host_differs_and_says_why() {
    cloud.gateway.serve("another-host", cloud.worker.shmAddress(), cloud.worker.tcpAddress());
    try (Lease lease = cloud.lease();
        Session session = lease.open()) {
      assertEquals("tcp", session.dataPath().transport());
      assertTrue(session.dataPath().reason().contains("another host"));
    }
  }

  @Test
  void auto_takes_tcp_where_the_socket_cannot_be_reached_and_says_why() {
    cloud.gateway.serve(HostId.local(), "/nonexistent/worker.sock", cloud.worker.tcpAddress());
    try (Lease lease = cloud.lease();
        Session session = lease.open()) {
      assertEquals("tcp", session.dataPath().transport());
      assertTrue(session.dataPath().reason().contains("/nonexistent/worker.sock"));
    }
  }

  @Test
  void transport_that_was_asked_for_is_not_replaced_by_another() {
    cloud.gateway.serve(HostId.local(), "/nonexistent/worker.sock", cloud.worker.tcpAddress());
    try (Lease lease = cloud.lease()) {
      SessionException e =
          assertThrows(SessionException.class, () -> lease.open(SessionOptions.transport("shm")));
      assertEquals(Status.LINK_BROKEN, e.status());
      assertTrue(e.getMessage().contains("/nonexistent/worker.sock"), e.getMessage());
      assertThrows(SessionException.class, () -> lease.open(SessionOptions.transport("pigeon")));
      assertThrows(SessionException.class, () -> lease.open(1));
    }
  }

  @Test
  void second_session_with_a_worker_is_refused_with_the_workers_reason() {
    try (Lease lease = cloud.lease();
        Session first = lease.open()) {
      SessionException e = assertThrows(SessionException.class, lease::open);
      assertEquals(Status.ALREADY_CONNECTED, e.status());
      assertTrue(first.isOpen());
    }
  }

  @Test
  void worker_can_be_opened_again_after_a_session_was_closed() {
    try (Lease lease = cloud.lease()) {
      lease.open().close();
      TestCloud.await(() -> !cloud.worker.isServing(), "the worker has seen the goodbye");
      assertTrue(cloud.worker.kinds.contains(MessageKind.GOODBYE));
      try (Session again = lease.open(SessionOptions.transport("tcp"))) {
        assertTrue(again.isOpen());
      }
    }
  }

  @Test
  void full_window_says_what_is_free() {
    try (Lease lease = cloud.lease();
        Session session = lease.open()) {
      Tensor half = session.tensor(F32, TestCloud.WINDOW_BYTES / 8);
      TensorException e =
          assertThrows(
              TensorException.class, () -> session.tensor(F32, TestCloud.WINDOW_BYTES / 4));
      assertEquals(Status.RESOURCE_EXHAUSTED, e.status());
      assertTrue(e.getMessage().contains("" + TestCloud.WINDOW_BYTES / 2), e.getMessage());
      half.close();
      assertEquals(TestCloud.WINDOW_BYTES, session.freeBytes());
      session.tensor(F32, TestCloud.WINDOW_BYTES / 4).close();
    }
  }

  @Test
  void tensor_closed_under_a_call_keeps_its_range_until_the_call_has_ended() {
    try (Lease lease = cloud.lease();
        Session session = lease.open()) {
      cloud.worker.script(TestFunctions.ADD, _ -> {});
      Tensor a = session.tensor(F32, N);
      Tensor b = session.tensor(F32, N);
      Tensor c = session.tensor(F32, N);
      Invocation call = session.function("add:1").invoke(in(a), in(b), out(c));
      long before = session.freeBytes();
      c.close();
      c.close();
      assertEquals(before, session.freeBytes());
      assertThrows(TensorException.class, c::segment);
      call.cancel();
      assertTrue(call.awaitEnd(ofSeconds(10)));
      assertEquals(before + 4096, session.freeBytes());
    }
  }

  @Test
  void tensor_used_after_its_session_is_an_exception_and_no_crash() {
    try (Lease lease = cloud.lease()) {
      for (String transport : new String[] {"shm", "tcp"}) {
        Session session = lease.open(SessionOptions.transport(transport));
        Tensor a = session.tensor(F32, N);
        MemorySegment kept = a.segment();
        session.close();
        assertThrows(
            IllegalStateException.class, () -> kept.get(ValueLayout.JAVA_FLOAT, 0), transport);
        assertThrows(SessionLostException.class, () -> session.tensor(F32, N));
        assertThrows(SessionLostException.class, () -> session.function("add:1"));
        TestCloud.await(() -> !cloud.worker.isServing(), "the worker has seen the goodbye");
      }
    }
  }

  @Test
  void unknown_function_carries_the_gateways_status_and_message() {
    try (Lease lease = cloud.lease();
        Session session = lease.open()) {
      GatewayException e = assertThrows(GatewayException.class, () -> session.function("absent:1"));
      assertEquals(Status.UNKNOWN_FUNCTION, e.status());
      assertTrue(e.getMessage().contains("push it first"), e.getMessage());
    }
  }

  @Test
  void slice_is_a_part_of_its_tensor() {
    try (Lease lease = cloud.lease();
        Session session = lease.open(SessionOptions.transport("tcp"))) {
      Tensor a = session.tensor(F32, 256);
      Tensor b = session.tensor(F32, 256);
      Tensor c = session.tensor(F32, 256);
      TestCloud.fill(a, 0, 1);
      TestCloud.fill(b, 0, 1);
      session
          .function("add:1")
          .invoke(in(a.slice(64, 64)), in(b.slice(64, 64)), out(c.slice(128, 64)))
          .await(ofSeconds(10));
      assertEquals(0, c.segment().getAtIndex(ValueLayout.JAVA_FLOAT, 127));
      assertEquals(128, c.segment().getAtIndex(ValueLayout.JAVA_FLOAT, 128));
      assertEquals(254, c.segment().getAtIndex(ValueLayout.JAVA_FLOAT, 191));
      assertEquals(0, c.segment().getAtIndex(ValueLayout.JAVA_FLOAT, 192));
      assertThrows(TensorException.class, () -> a.slice(1, 10));
      assertThrows(TensorException.class, () -> a.slice(192, 65));
      assertThrows(TensorException.class, () -> a.slice(64, Long.MAX_VALUE));
    }
  }
}
