package io.farwarp.rdma.shm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.rdma.Connection;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.RecordingHandler;
import io.farwarp.rdma.linux.Futex;
import io.farwarp.wire.Wire;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A peer that writes what it likes into the shared pages ends its own session and nothing else. */
final class HostilePeerTest {
  @TempDir Path directory;
  private Connection honest;
  private HostileConnector hostile;
  private QueuePair victim;
  private final RecordingHandler received = new RecordingHandler();

  @BeforeEach
  void connectBoth() throws Exception {
    honest = new Connection(new ShmUnderTest(), directory, 1L << 20);
    hostile = new HostileConnector(honest.listener.address());
    victim = honest.admission.nextConnected();
  }

  @AfterEach
  void honestSessionStillWorks() throws Exception {
    victim.close();
    hostile.close();
    Connection.post(honest.connector, "unharmed");
    honest.pollUntil(() -> honest.atAcceptor.messages.size() == 1);
    honest.close();
  }

  private void pollUntilDisconnected(String reason) {
    Connection.until(() -> {
      victim.poll(received, 16);
      return received.disconnected != null;
    });
    assertTrue(received.disconnected.contains(reason), received.disconnected);
    assertFalse(victim.isOpen());
  }

  @Test
  void sleepers_of_the_peers_on_the_victims_word_do_not_swallow_its_wakeup() throws Exception {
    MemorySegment word = hostile.outgoing().asSlice(RingLayout.WAITING, Integer.BYTES);
    word.set(JAVA_INT, 0, 1);
    for (int i = 0; i < 4; i++) {
      Thread.ofPlatform()
          .daemon()
          .start(() -> new Futex().await(word, 1, TimeUnit.SECONDS.toNanos(20)));
    }
    Thread sleeper = Thread.ofPlatform().start(() -> victim.await(TimeUnit.MINUTES.toNanos(5)));
    victim.wakeup();
    assertTrue(sleeper.join(Duration.ofSeconds(20)));
  }

  private void publish(int carried, int length) {
    hostile.outgoing().set(JAVA_LONG, RingLayout.slot(1), RingLayout.word(1, carried, length));
  }

  @Test
  void a_length_of_zero_ends_the_session() {
    publish(0, 0);
    pollUntilDisconnected("message 1 has 0 bytes");
  }

  @Test
  void a_length_beyond_the_slot_ends_the_session() {
    publish(Wire.MAX_MESSAGE_BYTES + 1, Wire.MAX_MESSAGE_BYTES + 1);
    pollUntilDisconnected("the limit is 1024");
  }

  @Test
  void more_bytes_carried_than_the_message_has_end_the_session() {
    publish(65_535, 64);
    pollUntilDisconnected("65535 of them carried");
  }

  @Test
  void a_consumed_counter_ahead_of_the_messages_ends_the_session() {
    requireFullRingRefused(Long.MAX_VALUE);
  }

  @Test
  void a_consumed_counter_that_runs_backwards_ends_the_session() {
    requireFullRingRefused(-1);
  }

  private void requireFullRingRefused(long consumed) {
    hostile.incoming().set(JAVA_LONG, RingLayout.CONSUMED, consumed);
    int posted = 0;
    while (Connection.tryPost(victim, "response")) {
      posted++;
    }
    assertEquals(Wire.RING_DEPTH, posted);
    pollUntilDisconnected("consumed counter");
  }

  @Test
  void bytes_over_the_unix_socket_end_the_session() throws Exception {
    hostile.send(new byte[] {9, 9, 9});
    pollUntilDisconnected("broke the protocol");
  }

  @Test
  void a_farewell_with_control_characters_is_cleaned() throws Exception {
    hostile.send(new byte[] {0, 'b', 27, '[', '\n', 'e'});
    pollUntilDisconnected("ended the connection: b?[ e");
  }

  @Test
  void a_farewell_of_a_peer_that_goes_on_posting_drains_one_ring_and_no_more() throws Exception {
    hostile.send(new byte[] {0});
    Connection.until(() -> {
      victim.poll(received, 16);
      return !victim.isOpen();
    });
    MemorySegment ring = hostile.outgoing();
    for (long number = 1; received.disconnected == null; number++) {
      ring.set(JAVA_LONG, RingLayout.slot(number), RingLayout.word(number, 8, 8));
      assertEquals(1, victim.poll(received, 1));
      assertTrue(number <= Wire.RING_DEPTH + 1);
    }
    assertEquals(Wire.RING_DEPTH, received.messages.size());
  }

  @Test
  void a_waiting_word_full_of_noise_neither_blocks_nor_loses_a_wakeup() throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    Thread scribbler =
        new Thread(() -> {
          Random random = new Random(3);
          while (!over.get()) {
            hostile.outgoing().set(JAVA_INT, RingLayout.WAITING, random.nextInt(3));
          }
        });
    scribbler.start();
    AtomicBoolean stop = new AtomicBoolean();
    Thread sleeper =
        new Thread(() -> {
          while (!stop.get()) {
            victim.await(TimeUnit.HOURS.toNanos(1));
          }
        });
    sleeper.start();
    stop.set(true);
    victim.wakeup();
    sleeper.join(TimeUnit.NANOSECONDS.toMillis(Connection.TIMEOUT_NS));
    assertFalse(sleeper.isAlive());
    over.set(true);
    scribbler.join();
  }

  @Test
  void noise_in_all_shared_pages_raises_nothing_but_the_end() {
    Random random = new Random(4);
    MemorySegment rings = hostile.rings();
    for (int round = 0; round < 20_000 && received.disconnected == null; round++) {
      for (int i = 0; i < 16; i++) {
        rings.setAtIndex(JAVA_LONG, random.nextLong(rings.byteSize() / 8), random.nextLong());
      }
      // Now and then what passes for a message, or for almost one.
      long number = received.messages.size() + 1L;
      long word = RingLayout.word(number, random.nextInt(1100), random.nextInt(1100));
      hostile.outgoing().set(JAVA_LONG, RingLayout.slot(number), word);
      Connection.tryPost(victim, "response");
      victim.poll(received, 16);
      victim.await(1);
    }
    assertNotNull(received.disconnected);
  }
}
