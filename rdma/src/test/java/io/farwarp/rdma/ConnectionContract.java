package io.farwarp.rdma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.rdma.linux.SharedMemory;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How every connection ends, and that nothing of it stays. */
public abstract class ConnectionContract {
  private static final long WINDOW_BYTES = 1L << 20;

  @TempDir Path directory;

  protected abstract TransportUnderTest provider();

  private Connection connect() throws Exception {
    return new Connection(provider(), directory, WINDOW_BYTES);
  }

  @Test
  void closing_one_end_disconnects_the_other_once_after_its_last_words() throws Exception {
    try (Connection c = connect()) {
      Connection.post(c.connector, "last words");
      c.connector.close();
      c.pollUntil(() -> c.atAcceptor.disconnected != null);
      assertEquals("last words", c.atAcceptor.text(0));
      assertTrue(c.atAcceptor.disconnected.endsWith("closed the connection"));
      assertFalse(c.acceptor.isOpen());
      assertNull(c.acceptor.claimMessage());
      assertEquals(0, c.acceptor.poll(c.atAcceptor, 16));
      assertEquals(1, c.atAcceptor.disconnects);
    }
  }

  @Test
  void last_words_reach_a_peer_that_is_still_writing() throws Exception {
    try (Connection c = connect();
        Arena arena = Arena.ofShared()) {
      MemoryRegion region = c.connector.register(arena.allocate(WINDOW_BYTES, 64));
      int posted = 100; // more than the network holds
      for (int i = 1; i <= posted; i++) {
        assertTrue(
            c.connector.postWrite(region, 0, c.connector.remoteExposed(), 0, WINDOW_BYTES, i));
      }
      for (int i = 0; i < 4; i++) {
        c.connector.poll(c.atConnector, 1);
      }
      Connection.post(c.acceptor, "the lease has ended");
      c.acceptor.close();
      c.pollUntil(() -> c.atConnector.disconnected != null);
      assertEquals("the lease has ended", c.atConnector.text(0));
      assertEquals(posted, c.atConnector.written.size());
    }
  }

  @Test
  void abort_ends_every_write_once_and_tells_both_sides_why() throws Exception {
    try (Connection c = connect();
        Arena arena = Arena.ofShared()) {
      MemoryRegion region = c.connector.register(arena.allocate(WINDOW_BYTES, 64));
      int posted = 100;
      for (int i = 1; i <= posted; i++) {
        assertTrue(
            c.connector.postWrite(region, 0, c.connector.remoteExposed(), 0, WINDOW_BYTES, i));
      }
      Thread other = new Thread(() -> c.connector.abort("the lease has ended"));
      other.start();
      other.join();
      assertFalse(c.connector.isOpen());
      assertNull(c.connector.claimMessage());
      assertFalse(c.connector.postWrite(region, 0, c.connector.remoteExposed(), 0, 8, 1000));
      c.pollUntil(() -> c.atConnector.disconnected != null);
      assertEquals("the lease has ended", c.atConnector.disconnected);
      assertEquals(posted, c.atConnector.written.size());
      for (int i = 0; i < posted; i++) {
        assertEquals(i + 1, c.atConnector.written.get(i).workRequestId());
      }
      c.connector.close();
      c.pollUntil(() -> c.atAcceptor.disconnected != null);
    }
  }

  @Test
  void abort_ends_a_wait_and_the_reason_reaches_the_peer() throws Exception {
    try (Connection c = connect()) {
      RecordingHandler received = c.atAcceptor;
      Thread sleeper =
          new Thread(() -> {
            while (received.disconnected == null) {
              if (c.acceptor.poll(received, 1) == 0) {
                c.acceptor.await(TimeUnit.HOURS.toNanos(1));
              }
            }
          });
      sleeper.start();
      c.acceptor.abort("enough");
      sleeper.join(TimeUnit.NANOSECONDS.toMillis(Connection.TIMEOUT_NS));
      assertFalse(sleeper.isAlive());
      assertEquals("enough", received.disconnected);
      c.pollUntil(() -> c.atConnector.disconnected != null);
      assertTrue(c.atConnector.disconnected.endsWith("ended the connection: enough"));
    }
  }

  @Test
  void a_killed_peer_is_noticed_while_polling() throws Exception {
    try (KilledPeer peer = new KilledPeer()) {
      Connection.until(() -> {
        peer.queuePair.poll(peer.received, 16);
        return peer.received.disconnected != null;
      });
      peer.check();
    }
  }

  @Test
  void a_killed_peer_is_noticed_while_waiting() throws Exception {
    try (KilledPeer peer = new KilledPeer()) {
      long start = System.nanoTime();
      while (peer.received.disconnected == null) {
        if (peer.queuePair.poll(peer.received, 16) == 0) {
          peer.queuePair.await(Connection.TIMEOUT_NS);
        }
        Connection.requireTime(start);
      }
      peer.check();
    }
  }

  /** Another process that connected, said hello and was killed with SIGKILL. */
  private final class KilledPeer implements AutoCloseable {
    private final SharedMemory window = SharedMemory.create("test-window", WINDOW_BYTES);
    private final Listener listener;
    private final Process process;
    private final QueuePair queuePair;
    private final RecordingHandler received = new RecordingHandler();

    KilledPeer() throws Exception {
      RecordingAdmission admission = new RecordingAdmission(Connection.exposed(window));
      listener = Connection.listen(provider(), directory, admission);
      process =
          ChildJvm.start(SleepingPeer.class, provider().transport().name(), listener.address());
      queuePair = admission.nextConnected();
      Connection.until(() -> {
        queuePair.poll(received, 1);
        return received.messages.size() == 1;
      });
      process.destroyForcibly().waitFor();
    }

    void check() {
      assertEquals("hello", received.text(0));
      assertNotNull(received.disconnected);
      assertEquals(1, received.disconnects);
      assertFalse(queuePair.isOpen());
      assertEquals(0, queuePair.poll(received, 16));
    }

    @Override
    public void close() {
      process.destroyForcibly();
      queuePair.close();
      listener.close();
      window.close();
    }
  }

  @Test
  void two_sessions_do_not_see_each_other() throws Exception {
    try (Connection first = connect();
        QueuePair second =
            provider()
                .transport()
                .connect(first.listener.address(), answer -> answer, Connection.TIMEOUT_NS);
        QueuePair secondAccepted = first.admission.nextConnected()) {
      Connection.post(second, "from the second");
      second.abort("gone");
      RecordingHandler atSecond = new RecordingHandler();
      RecordingHandler atAccepted = new RecordingHandler();
      Connection.until(() -> {
        second.poll(atSecond, 16);
        secondAccepted.poll(atAccepted, 16);
        return atSecond.disconnects == 1 && atAccepted.disconnects == 1;
      });
      assertEquals("from the second", atAccepted.text(0));
      Connection.post(first.connector, "from the first");
      first.pollUntil(() -> first.atAcceptor.messages.size() == 1);
      assertEquals("from the first", first.atAcceptor.text(0));
      assertTrue(first.acceptor.isOpen());
    }
  }

  @Test
  void closing_is_idempotent_and_leaves_no_descriptor_file_or_mapping() throws Exception {
    connect().close(); // what the process itself opens on first use stays
    long descriptors = descriptors();
    long mappings = mappings();
    for (int i = 0; i < 10; i++) {
      Connection c = connect();
      Connection.post(c.connector, "unread");
      c.connector.close();
      c.connector.close();
      c.connector.wakeup();
      c.connector.abort("after the end");
      assertFalse(c.connector.isOpen());
      assertNull(c.connector.claimMessage());
      c.connector.await(TimeUnit.HOURS.toNanos(1));
      assertEquals(0, c.connector.poll(c.atConnector, 16));
      c.acceptor.close();
      c.close();
    }
    // A handshake's thread may be letting go of its last descriptor.
    Connection.until(() -> descriptors() <= descriptors && mappings() <= mappings);
    try (Stream<Path> left = Files.walk(directory)) {
      assertEquals(0, left.filter(path -> !Files.isDirectory(path)).count());
    }
  }

  private static long descriptors() {
    String[] open = new File("/proc/self/fd").list();
    return open == null ? 0 : open.length;
  }

  private static long mappings() {
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      return maps.filter(line -> line.contains("memfd:")).count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
