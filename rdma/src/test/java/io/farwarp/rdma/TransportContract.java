package io.farwarp.rdma;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.rdma.linux.SharedMemory;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What messages and writes of every transport promise; each provider's test extends it. */
public abstract class TransportContract {
  private static final long WINDOW_BYTES = 1L << 20;
  private static final long HUGE_BYTES = 5L << 30;
  private static final long FOUR_GIB = 4L << 30;

  @TempDir Path directory;

  protected abstract TransportUnderTest provider();

  private Connection connect() throws Exception {
    return new Connection(provider(), directory, WINDOW_BYTES);
  }

  @Test
  void messages_arrive_in_order_both_ways() throws Exception {
    try (Connection c = connect()) {
      for (int i = 0; i < 100; i++) {
        Connection.post(c.connector, "request " + i);
        Connection.post(c.acceptor, "response " + i);
      }
      c.pollUntil(
          () -> c.atAcceptor.messages.size() == 100 && c.atConnector.messages.size() == 100);
      for (int i = 0; i < 100; i++) {
        assertEquals("request " + i, c.atAcceptor.text(i));
        assertEquals("response " + i, c.atConnector.text(i));
      }
    }
  }

  @Test
  void messages_of_every_length_keep_their_bytes() throws Exception {
    Random random = new Random(1);
    try (Connection c = connect()) {
      for (int length = 1; length <= Wire.MAX_MESSAGE_BYTES; length++) {
        byte[] sent = new byte[length];
        if (length % 3 != 0) { // a third of them all zero: what is left out must come back
          random.nextBytes(sent);
        }
        MemorySegment place = c.connector.claimMessage();
        assertNotNull(place);
        MemorySegment.copy(sent, 0, place, JAVA_BYTE, 0, length);
        c.connector.postMessage(length);
        int expected = length;
        c.pollUntil(() -> c.atAcceptor.messages.size() == expected);
        assertArrayEquals(sent, c.atAcceptor.messages.getLast());
      }
    }
  }

  @Test
  void message_lengths_beyond_the_limits_are_refused() throws Exception {
    try (Connection c = connect()) {
      assertNotNull(c.connector.claimMessage());
      assertThrows(IndexOutOfBoundsException.class, () -> c.connector.postMessage(0));
      assertThrows(
          IndexOutOfBoundsException.class,
          () -> c.connector.postMessage(Wire.MAX_MESSAGE_BYTES + 1));
      Connection.post(c.connector, "still usable");
      c.pollUntil(() -> c.atAcceptor.messages.size() == 1);
    }
  }

  @Test
  void connector_learns_the_reply_and_the_exposed_size() throws Exception {
    try (Connection c = connect()) {
      assertArrayEquals(RecordingAdmission.WELCOME, c.connector.reply());
      assertArrayEquals(RecordingAdmission.WELCOME, c.acceptor.reply());
      assertEquals(WINDOW_BYTES, c.connector.remoteExposed().sizeBytes());
      assertEquals(WINDOW_BYTES, c.acceptor.localExposed().memory().byteSize());
      assertEquals(0, c.acceptor.remoteExposed().sizeBytes());
      assertEquals(0, c.connector.localExposed().memory().byteSize());
      assertEquals(provider().transport().name(), c.connector.transport());
      assertEquals(
          provider().transport().sharesWindow(), c.connector.remoteExposed().mapped().isPresent());
    }
  }

  @Test
  void a_write_is_visible_before_the_message_posted_after_it() throws Exception {
    long[] sizes = {1, 8, 4096, 8192, 8193, 65_536, WINDOW_BYTES};
    try (Connection c = connect();
        Arena arena = Arena.ofShared()) {
      MemorySegment source = arena.allocate(WINDOW_BYTES, 64);
      MemoryRegion region = c.connector.register(source);
      for (int round = 1; round <= 70; round++) {
        long size = sizes[round % sizes.length];
        long offset = (WINDOW_BYTES - size) / 2;
        source.fill((byte) round);
        assertTrue(
            c.connector.postWrite(region, 0, c.connector.remoteExposed(), offset, size, round));
        Connection.post(c.connector, "written");
        int expected = round;
        c.pollUntil(() -> c.atAcceptor.messages.size() == expected);
        assertEquals(
            -1, c.window.segment().asSlice(offset, size).mismatch(source.asSlice(0, size)));
        c.pollUntil(() -> c.atConnector.written.size() == expected);
        assertEquals(
            new RecordingHandler.Written(round, WriteStatus.OK), c.atConnector.written.getLast());
      }
    }
  }

  @Test
  void the_listeners_side_writes_into_the_connectors_region() throws Exception {
    try (Connection c = connect();
        Arena arena = Arena.ofShared()) {
      MemorySegment target = provider().connectorMemory(c.connector, arena, 4096);
      MemoryRegion region = c.connector.register(target);
      assertTrue(region.descriptor().length <= QueuePair.MAX_DESCRIPTOR_BYTES);
      RemoteRegion imported = c.acceptor.importRegion(region.descriptor());
      c.window.segment().set(JAVA_LONG, 8192, 42);
      assertTrue(c.acceptor.postWrite(c.acceptor.localExposed(), 8192, imported, 8, 8, 7));
      Connection.post(c.acceptor, "returned");
      c.pollUntil(() -> c.atConnector.messages.size() == 1 && c.atAcceptor.written.size() == 1);
      assertEquals(42, target.get(JAVA_LONG, 8));
      assertEquals(
          new RecordingHandler.Written(7, WriteStatus.OK), c.atAcceptor.written.getFirst());
    }
  }

  @Test
  void malformed_descriptors_are_refused() throws Exception {
    try (Connection c = connect()) {
      byte[] good = c.acceptor.localExposed().descriptor();
      assertThrows(IOException.class, () -> c.acceptor.importRegion(new byte[0]));
      assertThrows(IOException.class, () -> c.acceptor.importRegion(new byte[good.length + 1]));
      byte[] minusOnes = new byte[good.length];
      Arrays.fill(minusOnes, (byte) -1);
      assertThrows(IOException.class, () -> c.acceptor.importRegion(minusOnes));
    }
  }

  @Test
  void a_full_ring_is_an_answer_and_polling_frees_it() throws Exception {
    try (Connection c = connect()) {
      String text = "x".repeat(Wire.MAX_MESSAGE_BYTES);
      int posted = 0;
      while (Connection.tryPost(c.connector, text)) {
        posted++;
        assertTrue(posted < 1_000_000, "the ring never fills");
      }
      assertTrue(posted >= Wire.RING_DEPTH);
      int expected = posted;
      c.pollUntil(() -> c.atAcceptor.messages.size() == expected);
      c.pollUntil(() -> c.connector.claimMessage() != null);
      Connection.post(c.connector, "again");
      c.pollUntil(() -> c.atAcceptor.messages.size() == expected + 1);
      assertEquals("again", c.atAcceptor.text(expected));
    }
  }

  @Test
  void a_full_send_queue_is_an_answer_and_polling_frees_it() throws Exception {
    try (Connection c = connect();
        Arena arena = Arena.ofShared()) {
      MemoryRegion region = c.connector.register(arena.allocate(64, 64));
      int posted = 0;
      while (c.connector.postWrite(region, 0, c.connector.remoteExposed(), 0, 64, posted + 1)) {
        posted++;
        assertTrue(posted <= QueuePair.MAX_WRITES_IN_FLIGHT);
      }
      assertEquals(QueuePair.MAX_WRITES_IN_FLIGHT, posted);
      int expected = posted;
      c.pollUntil(() -> c.atConnector.written.size() == expected);
      for (int i = 0; i < expected; i++) {
        assertEquals(
            new RecordingHandler.Written(i + 1, WriteStatus.OK), c.atConnector.written.get(i));
      }
      assertTrue(c.connector.postWrite(region, 0, c.connector.remoteExposed(), 0, 64, 5));
    }
  }

  @Test
  void many_writes_and_messages_in_flight_both_ways_stay_in_order() throws Exception {
    int count = 3000;
    try (Connection c = connect();
        Arena arena = Arena.ofShared()) {
      MemorySegment back = provider().connectorMemory(c.connector, arena, 1 << 16);
      MemorySegment numbers = arena.allocate(8L * count, 64);
      for (int i = 0; i < count; i++) {
        numbers.setAtIndex(JAVA_LONG, i, i);
      }
      MemoryRegion requests = c.connector.register(numbers);
      MemoryRegion responses = c.acceptor.register(numbers);
      RemoteRegion window = c.connector.remoteExposed();
      RemoteRegion target = c.acceptor.importRegion(c.connector.register(back).descriptor());
      InOrder down = new InOrder(c.window.segment(), 1 << 18);
      InOrder up = new InOrder(back, 0);
      int sent = 0;
      int returned = 0;
      long start = System.nanoTime();
      while (down.received < count || up.received < count) {
        if (sent < count && c.connector.claimMessage() != null) {
          boolean posted =
              c.connector.postWrite(
                  requests, 8L * sent, window, (1 << 18) + 8L * (sent & 1023), 8, 0);
          if (posted) {
            Connection.post(c.connector, String.valueOf(sent++));
          }
        }
        if (returned < count && c.acceptor.claimMessage() != null) {
          boolean posted =
              c.acceptor.postWrite(responses, 8L * returned, target, 8L * (returned & 1023), 8, 0);
          if (posted) {
            Connection.post(c.acceptor, String.valueOf(returned++));
          }
        }
        c.connector.poll(up, 3);
        c.acceptor.poll(down, 5);
        Connection.requireTime(start);
      }
    }
  }

  /** Checks that each message finds the number that was written before it. */
  private static final class InOrder implements CompletionHandler {
    private final MemorySegment memory;
    private final long base;
    private int received;

    InOrder(MemorySegment memory, long base) {
      this.memory = memory;
      this.base = base;
    }

    @Override
    public void message(MemorySegment buffer, long offsetBytes, int lengthBytes) {
      byte[] text = buffer.asSlice(offsetBytes, lengthBytes).toArray(JAVA_BYTE);
      assertEquals(received, Integer.parseInt(new String(text, UTF_8)));
      assertEquals(received, memory.get(JAVA_LONG, base + 8L * (received & 1023)));
      received++;
    }

    @Override
    public void written(long workRequestId, WriteStatus status) {}

    @Override
    public void disconnected(String reason) {
      throw new AssertionError(reason);
    }
  }

  @Test
  void a_write_of_no_bytes_completes() throws Exception {
    try (Connection c = connect();
        Arena arena = Arena.ofShared()) {
      MemoryRegion region = c.connector.register(arena.allocate(64, 64));
      assertTrue(
          c.connector.postWrite(region, 64, c.connector.remoteExposed(), WINDOW_BYTES, 0, 9));
      Connection.post(c.connector, "after");
      c.pollUntil(() -> c.atConnector.written.size() == 1 && c.atAcceptor.messages.size() == 1);
      assertEquals(
          new RecordingHandler.Written(9, WriteStatus.OK), c.atConnector.written.getFirst());
    }
  }

  @Test
  void a_window_beyond_four_gigabytes_is_written_at_its_end_and_across_four() throws Exception {
    long mib = 1L << 20;
    provider().requireMemory(2 * HUGE_BYTES);
    try (Connection c = new Connection(provider(), directory, HUGE_BYTES);
        SharedMemory large = SharedMemory.create("test-source", HUGE_BYTES)) {
      provider().prepare(large);
      MemorySegment source = large.segment();
      source.asSlice(HUGE_BYTES - mib).fill((byte) 3);
      source.asSlice(FOUR_GIB - mib / 2, mib).fill((byte) 4);
      MemoryRegion region = c.connector.register(source);
      RemoteRegion window = c.connector.remoteExposed();
      assertEquals(HUGE_BYTES, window.sizeBytes());
      assertTrue(c.connector.postWrite(region, HUGE_BYTES - mib, window, HUGE_BYTES - mib, mib, 1));
      assertTrue(
          c.connector.postWrite(region, FOUR_GIB - mib / 2, window, FOUR_GIB - mib / 2, mib, 2));
      Connection.post(c.connector, "written");
      c.pollUntil(() -> c.atAcceptor.messages.size() == 1 && c.atConnector.written.size() == 2);
      MemorySegment target = c.window.segment();
      assertEquals(-1, end(target, mib).mismatch(end(source, mib)));
      assertEquals(
          -1,
          target
              .asSlice(FOUR_GIB - mib / 2, mib)
              .mismatch(source.asSlice(FOUR_GIB - mib / 2, mib)));
      assertEquals(0, target.get(JAVA_LONG, 0));
    }
  }

  private static MemorySegment end(MemorySegment memory, long bytes) {
    return memory.asSlice(memory.byteSize() - bytes);
  }

  @Test
  void ranges_outside_either_region_are_refused_and_nothing_is_posted() throws Exception {
    try (Connection c = connect();
        Arena arena = Arena.ofShared()) {
      MemoryRegion region = c.connector.register(arena.allocate(64, 64));
      long[][] wrong = {
        {0, WINDOW_BYTES - 63, 64},
        {1, 0, 64},
        {-1, 0, 8},
        {0, -1, 8},
        {0, 0, -1},
        {0, 0, Long.MAX_VALUE},
        {Long.MAX_VALUE, 0, 8},
        {0, Long.MAX_VALUE, 8}
      };
      for (long[] range : wrong) {
        assertThrows(
            IndexOutOfBoundsException.class,
            () ->
                c.connector.postWrite(
                    region, range[0], c.connector.remoteExposed(), range[1], range[2], 1));
      }
      Connection.post(c.connector, "after");
      c.pollUntil(() -> c.atAcceptor.messages.size() == 1);
      assertTrue(c.atConnector.written.isEmpty());
    }
  }

  @Test
  void a_region_of_another_queue_pair_or_of_the_heap_is_refused() throws Exception {
    try (Connection c = connect();
        Connection other = connect();
        Arena arena = Arena.ofShared()) {
      MemoryRegion region = c.connector.register(arena.allocate(64, 64));
      assertThrows(
          IllegalArgumentException.class,
          () -> c.connector.postWrite(region, 0, other.connector.remoteExposed(), 0, 8, 1));
      assertThrows(
          IllegalArgumentException.class,
          () -> c.connector.register(MemorySegment.ofArray(new byte[64])));
    }
  }

  @Test
  void poll_hands_over_no_more_than_its_limit() throws Exception {
    try (Connection c = connect()) {
      for (int i = 0; i < 10; i++) {
        Connection.post(c.connector, "message " + i);
      }
      long start = System.nanoTime();
      while (c.atAcceptor.messages.size() < 10) {
        int before = c.atAcceptor.messages.size();
        c.acceptor.await(Connection.TIMEOUT_NS); // What the limit held back is not slept over.
        c.acceptor.poll(c.atAcceptor, 1);
        assertTrue(c.atAcceptor.messages.size() <= before + 1);
        Connection.requireTime(start);
      }
      assertFalse(c.acceptor.poll(c.atAcceptor, 16) > 0);
      assertNull(c.atAcceptor.disconnected);
    }
  }
}
