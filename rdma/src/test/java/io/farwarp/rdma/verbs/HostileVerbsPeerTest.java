package io.farwarp.rdma.verbs;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.rdma.Connection;
import io.farwarp.rdma.ExposedMemory;
import io.farwarp.rdma.Listener;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.RecordingAdmission;
import io.farwarp.rdma.RecordingHandler;
import io.farwarp.rdma.linux.SharedMemory;
import io.farwarp.rdma.verbs.RawPeer.Place;
import io.farwarp.rdma.verbs.RawPeer.Request;
import io.farwarp.wire.Wire;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/**
 * An admitted peer that posts what it must not loses its session, and nobody else notices: not the
 * memory beside its window, and not another session of the same worker process.
 */
@Tag("verbs")
@EnabledIf("io.farwarp.rdma.verbs.VerbsUnderTest#isUsable")
final class HostileVerbsPeerTest {
  private static final int WINDOW_BYTES = 1 << 16;
  private static final String DONE = "IBV_WC_SUCCESS";
  private static final String NO_ACCESS = "IBV_WC_REM_ACCESS_ERR";

  /** What a device answers that does not tell an access error from an invalid request. */
  private static final String INVALID = "IBV_WC_REM_INV_REQ_ERR";

  @TempDir Path directory;
  private Connection honest;

  /** The window of the hostile peer lies in its middle. */
  private SharedMemory memory;

  private RecordingAdmission admission;
  private Listener listener;
  private RawPeer hostile;
  private QueuePair victim;
  private final RecordingHandler received = new RecordingHandler();

  @BeforeEach
  void connectBoth() throws Exception {
    VerbsUnderTest provider = new VerbsUnderTest();
    honest = new Connection(provider, directory, WINDOW_BYTES);
    memory = SharedMemory.create("hostile-window", 3L * WINDOW_BYTES);
    provider.prepare(memory);
    MemorySegment window = memory.segment().asSlice(WINDOW_BYTES, WINDOW_BYTES);
    admission = new RecordingAdmission(new ExposedMemory(window, OptionalInt.empty()));
    listener = Connection.listen(provider, directory, admission);
    hostile = RawPeer.connect(listener.address());
    hostile.open();
    victim = admission.nextConnected();
  }

  @AfterEach
  void nobodyElseNoticed() throws Exception {
    victim.close();
    hostile.close();
    listener.close();
    Connection.post(honest.connector, "unharmed");
    honest.pollUntil(() -> honest.atAcceptor.messages.size() == 1);
    assertEquals(
        -1, honest.window.segment().mismatch(MemorySegment.ofArray(new byte[WINDOW_BYTES])));
    assertUntouched(0, WINDOW_BYTES);
    assertUntouched(2L * WINDOW_BYTES, WINDOW_BYTES);
    honest.close();
    memory.close();
  }

  private void assertUntouched(long from, long bytes) {
    for (long i = from; i < from + bytes; i += Long.BYTES) {
      assertEquals(0, memory.segment().get(JAVA_LONG, i), "at " + i);
    }
  }

  private void assertWriteRefused(Place target) throws Exception {
    String status = hostile.post(Request.WRITE, target, Long.BYTES, 0);
    assertTrue(status.equals(NO_ACCESS) || status.equals(INVALID), status);
    pollUntilDisconnected("");
    assertUntouched(0, 3L * WINDOW_BYTES);
  }

  private void pollUntilDisconnected(String reason) {
    Connection.until(() -> {
      victim.poll(received, 16);
      return received.disconnected != null;
    });
    assertTrue(received.disconnected.contains(reason), received.disconnected);
    assertEquals(1, received.disconnects);
  }

  @Test
  void a_write_within_the_window_lands() throws Exception {
    assertEquals(DONE, hostile.post(Request.WRITE, hostile.window().plus(WINDOW_BYTES - 8), 8, 0));
    assertEquals(
        0x5a5a5a5a5a5a5a5aL, memory.segment().get(JAVA_LONG, 2L * WINDOW_BYTES - Long.BYTES));
    assertEquals(DONE, hostile.post(Request.WRITE_WITH_IMMEDIATE, hostile.ring(), 3, 0));
    Connection.until(() -> {
      victim.poll(received, 16);
      return received.messages.size() == 1;
    });
    assertEquals("ZZZ", received.text(0));
  }

  @Test
  void a_write_one_byte_past_the_window_is_refused_whole() throws Exception {
    assertWriteRefused(hostile.window().plus(WINDOW_BYTES - 7));
  }

  @Test
  void a_write_one_byte_before_the_window_is_refused_whole() throws Exception {
    assertWriteRefused(hostile.window().plus(-1));
  }

  @Test
  void a_guessed_key_is_refused() throws Exception {
    Place window = hostile.window();
    assertWriteRefused(window.withKey(window.key() ^ 0x1));
  }

  @Test
  void a_key_of_another_session_opens_nothing_to_this_one() throws Exception {
    try (RawPeer other = RawPeer.connect(listener.address())) {
      other.open();
      try (QueuePair otherVictim = admission.nextConnected()) {
        assertEquals(DONE, other.post(Request.WRITE, other.ring(), 8, 0));
        assertWriteRefused(other.ring());
        assertTrue(otherVictim.isOpen());
        assertEquals(DONE, other.post(Request.WRITE_WITH_IMMEDIATE, other.ring(), 8, 0));
      }
    }
  }

  @Test
  void a_key_is_dead_once_its_session_is() throws Exception {
    Place stale;
    try (RawPeer other = RawPeer.connect(listener.address())) {
      other.open();
      stale = other.window();
      admission.nextConnected().close();
    }
    assertWriteRefused(stale);
  }

  @Test
  void a_key_is_dead_once_its_region_is_closed() throws Exception {
    victim.localExposed().close();
    assertWriteRefused(hostile.window());
  }

  @Test
  void a_slot_out_of_turn_ends_the_session() throws Exception {
    hostile.post(Request.WRITE_WITH_IMMEDIATE, hostile.ring(), 8, 5);
    pollUntilDisconnected("broke the protocol: immediate 0x5 where slot 0 was next");
  }

  @Test
  void an_unknown_immediate_ends_the_session() throws Exception {
    hostile.post(Request.WRITE_WITH_IMMEDIATE, hostile.ring(), 8, 0xdeadbeef);
    pollUntilDisconnected("broke the protocol: immediate 0xdeadbeef");
  }

  @Test
  void credit_for_nothing_ends_the_session() throws Exception {
    hostile.post(Request.WRITE_WITH_IMMEDIATE, hostile.ring(), 0, 0x100);
    pollUntilDisconnected("credit for messages that it was not sent");
  }

  @Test
  void messages_of_no_or_too_many_bytes_end_the_session() throws Exception {
    hostile.post(Request.WRITE_WITH_IMMEDIATE, hostile.ring(), Wire.MAX_MESSAGE_BYTES + 1, 0);
    pollUntilDisconnected("broke the protocol: a message of 1025 bytes");
  }

  @Test
  void an_endless_farewell_ends_the_session() throws Exception {
    hostile.post(Request.WRITE_WITH_IMMEDIATE, hostile.ring(), 4096, 0x200);
    pollUntilDisconnected("a farewell of 4096 bytes");
  }

  @Test
  void a_send_after_the_opening_ends_the_session() throws Exception {
    hostile.post(Request.SEND, hostile.ring(), 8, 0);
    pollUntilDisconnected("broke the protocol: a SEND after the opening");
  }

  @Test
  void garbage_in_the_opening_is_turned_away() throws Exception {
    try (RawPeer other = RawPeer.connect(listener.address())) {
      other.send("GET / HTTP/1.1\r\n\r\n".getBytes(US_ASCII));
      other.awaitEnd();
    }
    assertEquals(0, admission.abandoned.get());
  }

  @Test
  void a_message_before_the_opening_is_turned_away() throws Exception {
    try (RawPeer other = RawPeer.connect(listener.address())) {
      other.post(Request.WRITE_WITH_IMMEDIATE, hostile.ring(), 8, 0);
      other.awaitEnd();
    }
    assertTrue(victim.isOpen());
  }
}
