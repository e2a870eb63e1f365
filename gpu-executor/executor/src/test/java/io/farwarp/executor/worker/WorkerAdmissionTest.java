package io.farwarp.executor.worker;

import static io.farwarp.executor.TestClient.scalar;
import static io.farwarp.executor.worker.RunningWorker.NOTHING;
import static io.farwarp.executor.worker.RunningWorker.SPIN;
import static io.farwarp.executor.worker.RunningWorker.WINDOW_BYTES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.executor.TestClient;
import io.farwarp.executor.TestFunctions;
import io.farwarp.executor.TestLease;
import io.farwarp.rdma.Introduction;
import io.farwarp.rdma.RefusedException;
import io.farwarp.v1.ElementType;
import io.farwarp.v1.LeaseState;
import io.farwarp.wire.Ed25519;
import io.farwarp.wire.Handshake;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may open a session, for how long, and what ends it. */
final class WorkerAdmissionTest {
  private RunningWorker worker;

  @BeforeEach
  void start() throws Exception {
    worker =
        new RunningWorker(30_000)
            .load(NOTHING, TestFunctions.NOTHING)
            .load(SPIN, TestFunctions.SPIN);
  }

  @AfterEach
  void stop() {
    worker.close();
  }

  private void refused(String transport, Status status, Introduction introduction) {
    RefusedException refusal =
        assertThrows(
            RefusedException.class,
            () ->
                TestClient.connect(
                    transport, worker.address(transport), introduction, WINDOW_BYTES));
    Handshake.Reply reply = Handshake.Reply.decode(refusal.reply());
    assertEquals(status, reply.status(), reply.detail());
    assertTrue(!reply.detail().isEmpty());
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void only_the_lease_s_own_valid_token_opens_a_session(String transport) throws Exception {
    TestLease lease = worker.lease;
    TestLease other = new TestLease("L-2", WINDOW_BYTES, 30_000);
    byte[] forged = lease.token().clone();
    forged[forged.length - 1] ^= 1;
    refused(transport, Status.UNAUTHENTICATED, lease.introduction(forged));
    refused(transport, Status.UNAUTHENTICATED, lease.introduction(new byte[0]));
    refused(transport, Status.UNAUTHENTICATED, lease.introduction(new byte[] {1, 2, 3}));
    refused(transport, Status.UNAUTHENTICATED, other.introduction());
    refused(
        transport,
        Status.UNAUTHENTICATED,
        TestLease.introduction(lease.token(), Ed25519.generate()));
    refused(
        transport,
        Status.PERMISSION_DENIED,
        lease.introduction(lease.token(t -> t.setLeaseId("L-2"))));
    refused(
        transport,
        Status.PERMISSION_DENIED,
        lease.introduction(lease.token(t -> t.setWorkerIndex(1))));
    refused(
        transport,
        Status.PERMISSION_DENIED,
        lease.introduction(lease.token(t -> t.setExecutorId("elsewhere"))));
    refused(
        transport,
        Status.PERMISSION_DENIED,
        lease.introduction(lease.token(t -> t.setWindowBytes(2 * WINDOW_BYTES))));
    refused(
        transport,
        Status.LEASE_EXPIRED,
        lease.introduction(lease.token(t -> t.setExpiresAtUnixMs(t.getIssuedAtUnixMs()))));
    try (TestClient client = worker.connect(transport)) {
      Handshake.Reply reply = Handshake.Reply.decode(client.queuePair().reply());
      assertEquals(WINDOW_BYTES, reply.windowBytes());
      assertEquals(Wire.MAX_IN_FLIGHT, reply.maxInFlight());
      assertTrue(reply.ttlMs() > 0 && reply.ttlMs() <= 30_000);
      assertEquals(Status.OK, client.call(NOTHING).status());
    }
  }

  @Test
  void garbage_and_other_versions_are_refused() {
    refused("tcp", Status.PROTOCOL_ERROR, challenge -> new byte[] {1, 2, 3});
    refused("tcp", Status.PROTOCOL_ERROR, challenge -> new byte[100]);
    refused(
        "tcp",
        Status.VERSION_MISMATCH,
        challenge ->
            new Handshake.Answer(99, worker.lease.token(), new byte[Handshake.Answer.PROOF_BYTES])
                .encode());
  }

  @Test
  void an_answer_to_another_challenge_proves_nothing() {
    byte[][] first = new byte[1][];
    refused(
        "tcp",
        Status.UNAUTHENTICATED,
        challenge -> {
          byte[] old = new Handshake.Challenge(Wire.VERSION, new byte[Wire.NONCE_BYTES]).encode();
          first[0] = worker.lease.introduction().answer(old);
          return first[0];
        });
  }

  @Test
  void a_silent_peer_holds_up_nobody() throws Exception {
    String[] address = worker.address("tcp").split(":", -1);
    try (Socket silent = new Socket()) {
      silent.connect(new InetSocketAddress(address[0], Integer.parseInt(address[1])));
      silent.getOutputStream().write(new byte[] {7, 7, 7});
      try (TestClient client = worker.connect("tcp")) {
        assertEquals(Status.OK, client.call(NOTHING).status());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void a_second_session_is_refused_while_the_first_lives_and_let_in_after(String transport)
      throws Exception {
    try (TestClient first = worker.connect(transport)) {
      CompletableFuture<Void> refusal =
          CompletableFuture.runAsync(
              () -> refused("tcp", Status.ALREADY_CONNECTED, worker.lease.introduction()));
      first.until(refusal::isDone);
      refusal.get();
      assertEquals(Status.OK, first.call(NOTHING).status());
    }
    try (TestClient second = worker.connect(transport)) {
      assertEquals(Status.OK, second.call(NOTHING).status());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void a_session_without_a_sign_of_life_gives_way_to_who_holds_the_key(String transport)
      throws Exception {
    try (TestClient mute = worker.connect(transport)) { // polls nothing, as if its host were gone
      refused(
          "tcp", Status.UNAUTHENTICATED, new TestLease("L-2", WINDOW_BYTES, 1000).introduction());
      try (TestClient second = worker.connect(transport)) {
        assertEquals(Status.OK, second.call(NOTHING).status());
        assertEquals(Status.LINK_BROKEN, mute.awaitEnded().status());
        assertEquals(Status.OK, second.call(NOTHING).status());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void a_client_that_goes_away_in_the_middle_of_a_launch_leaves_a_worker_for_the_next(
      String transport) throws Exception {
    for (int i = 0; i < 3; i++) {
      try (TestClient client = worker.connect(transport)) {
        client.invoke(0, SPIN, TimeUnit.MINUTES.toNanos(1), scalar(ElementType.U32, 1));
        long behind = client.invoke(1, NOTHING, TimeUnit.MINUTES.toNanos(1));
        client.cancel(1, behind);
        client.await(behind);
      }
    }
    try (TestClient client = worker.connect(transport)) {
      assertEquals(Status.OK, client.call(NOTHING).status());
    }
  }

  @Test
  void a_renewed_token_moves_the_deadline_and_never_back() throws Exception {
    AtomicLong ahead = new AtomicLong();
    try (RunningWorker brief =
            new RunningWorker(30_000, () -> System.nanoTime() + ahead.get())
                .load(NOTHING, TestFunctions.NOTHING);
        TestClient client = brief.connect("shm")) {
      client.renew(brief.lease.renewed(1, 600_000));
      client.renew(brief.lease.renewed(0, 0));
      assertEquals(Status.OK, client.call(NOTHING).status());
      ahead.set(TimeUnit.SECONDS.toNanos(60));
      assertEquals(Status.OK, client.call(NOTHING).status());
      client.goodbye(false);
      client.awaitDisconnected();
      refusedBy(brief, Status.UNAUTHENTICATED, brief.lease.introduction());
    }
  }

  private static void refusedBy(RunningWorker worker, Status status, Introduction introduction) {
    RefusedException refusal =
        assertThrows(
            RefusedException.class,
            () -> TestClient.connect("shm", worker.address("shm"), introduction, WINDOW_BYTES));
    assertEquals(status, Handshake.Reply.decode(refusal.reply()).status());
  }

  @Test
  void a_forged_renewal_ends_the_session() throws Exception {
    try (TestClient client = worker.connect("shm")) {
      byte[] forged = worker.lease.renewed(1, 1_000_000);
      forged[forged.length - 1] ^= 1;
      client.renew(forged);
      assertEquals(Status.UNAUTHENTICATED, client.awaitEnded().status());
    }
  }

  @Test
  void an_expired_lease_ends_session_and_worker() throws Exception {
    AtomicLong ahead = new AtomicLong();
    try (RunningWorker brief =
            new RunningWorker(10_000, () -> System.nanoTime() + ahead.get())
                .load(SPIN, TestFunctions.SPIN);
        TestClient client = brief.connect("tcp")) {
      client.invoke(0, SPIN, TimeUnit.MINUTES.toNanos(2), scalar(ElementType.U32, 1));
      // Not so far that a client that has said nothing since counts as vanished, which ends the
      // session with another status.
      ahead.set(TimeUnit.SECONDS.toNanos(11));
      assertEquals(Status.LEASE_EXPIRED, client.awaitEnded().status());
      assertEquals(LeaseState.EXPIRED, brief.worker.awaitEnd().state());
      client.awaitDisconnected();
    }
  }

  @Test
  void a_release_over_the_session_ends_the_worker() throws Exception {
    try (TestClient client = worker.connect("shm")) {
      client.goodbye(true);
      assertEquals(Status.LEASE_RELEASED, client.awaitEnded().status());
      assertEquals(LeaseState.RELEASED, worker.worker.awaitEnd().state());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void a_client_that_goes_without_a_word_and_stays_away_ends_the_lease(String transport)
      throws Exception {
    AtomicLong ahead = new AtomicLong();
    try (RunningWorker left = new RunningWorker(60_000, () -> System.nanoTime() + ahead.get())) {
      left.connect(transport).close();
      ahead.set(TimeUnit.SECONDS.toNanos(4));
      try (TestClient back = left.connect(transport)) {
        ahead.set(TimeUnit.SECONDS.toNanos(20));
        long fence = back.fence(0);
        assertEquals(Status.OK, back.await(fence).status());
      }
      CompletableFuture<Ending> end = new CompletableFuture<>();
      Thread.ofVirtual()
          .start(() -> {
            try {
              end.complete(left.worker.awaitEnd());
            } catch (InterruptedException e) {
              end.completeExceptionally(e);
            }
          });
      assertTrue(!end.isDone());
      ahead.set(TimeUnit.SECONDS.toNanos(40));
      Ending why = end.get(20, TimeUnit.SECONDS);
      assertEquals(LeaseState.RELEASED, why.state());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void who_is_let_in_while_the_lease_ends_is_told_why(String transport) throws Exception {
    for (int i = 0; i < 40; i++) {
      long delayNs = i * 25_000L;
      try (RunningWorker ending = new RunningWorker(30_000)) {
        Introduction introduction =
            challenge -> {
              Thread.ofPlatform().start(() -> endAfter(delayNs, ending.worker));
              return ending.lease.introduction().answer(challenge);
            };
        try (TestClient client =
            TestClient.connect(transport, ending.address(transport), introduction, WINDOW_BYTES)) {
          assertEquals(Status.LEASE_REVOKED, client.awaitEnded().status());
        } catch (RefusedException refusal) {
          assertEquals(Status.WORKER_LOST, Handshake.Reply.decode(refusal.reply()).status());
        }
      }
    }
  }

  private static void endAfter(long delayNs, Worker worker) {
    long startNs = System.nanoTime();
    while (System.nanoTime() - startNs < delayNs) {
      Thread.onSpinWait();
    }
    worker.requestEnd(new Ending(LeaseState.REVOKED, "enough"));
  }
}
