package io.farwarp.rdma;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every transport promises; each provider's test extends it. */
public abstract class TransportContract {
  private static final long WINDOW_BYTES = 1L << 20;

  @TempDir Path directory;

  protected abstract Transport transport();

  /** An address to listen on, the only one in this directory. */
  protected abstract String freshAddress(Path privateDirectory);

  /** Memory of the connector's that the listener's side may be asked to write to. */
  protected abstract MemorySegment connectorMemory(
      QueuePair connector, Arena arena, long sizeBytes);

  Connection connect() throws Exception {
    return connect(WINDOW_BYTES);
  }

  Connection connect(long windowBytes) throws Exception {
    return new Connection(transport(), freshAddress(directory), windowBytes);
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
  void connector_learns_the_reply_and_the_exposed_size() throws Exception {
    try (Connection c = connect()) {
      assertArrayEquals(RecordingAdmission.WELCOME, c.connector.reply());
      assertArrayEquals(RecordingAdmission.WELCOME, c.acceptor.reply());
      assertEquals(WINDOW_BYTES, c.connector.remoteExposed().sizeBytes());
      assertEquals(0, c.acceptor.remoteExposed().sizeBytes());
      assertEquals(transport().name(), c.connector.transport());
    }
  }

  @Test
  void a_write_is_visible_before_the_message_posted_after_it() throws Exception {
    try (Connection c = connect();
        Arena arena = Arena.ofShared()) {
      MemorySegment source = arena.allocate(WINDOW_BYTES, 64);
      MemoryRegion region = c.connector.register(source);
      for (int round = 1; round <= 50; round++) {
        source.asSlice(0, WINDOW_BYTES).fill((byte) round);
        assertTrue(
            c.connector.postWrite(region, 0, c.connector.remoteExposed(), 0, WINDOW_BYTES, round));
        Connection.post(c.connector, "written");
        int expected = round;
        c.pollUntil(() -> c.atAcceptor.messages.size() == expected);
        long pattern = 0x0101010101010101L * round;
        assertEquals(pattern, c.window.segment().get(JAVA_LONG, 0));
        assertEquals(pattern, c.window.segment().get(JAVA_LONG, WINDOW_BYTES - 8));
        c.pollUntil(() -> c.atConnector.written.size() == expected);
      }
    }
  }

  @Test
  void the_listeners_side_writes_into_the_connectors_region() throws Exception {
    try (Connection c = connect();
        Arena arena = Arena.ofShared()) {
      MemorySegment target = connectorMemory(c.connector, arena, 4096);
      MemoryRegion region = c.connector.register(target);
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
  void closing_one_end_disconnects_the_other_once() throws Exception {
    try (Connection c = connect()) {
      Connection.post(c.connector, "last words");
      c.connector.close();
      c.pollUntil(() -> c.atAcceptor.disconnected != null);
      assertEquals("last words", c.atAcceptor.text(0));
      assertNotNull(c.atAcceptor.disconnected);
      assertTrue(!c.acceptor.isOpen());
      assertEquals(0, c.acceptor.poll(c.atAcceptor, 16));
      assertEquals(1, c.atAcceptor.disconnects);
    }
  }
}
