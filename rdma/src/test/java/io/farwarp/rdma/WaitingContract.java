package io.farwarp.rdma;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How every transport waits and wakes, and that neither allocates. */
public abstract class WaitingContract {
  private static final long WINDOW_BYTES = 1L << 20;

  @TempDir Path directory;

  protected abstract TransportUnderTest provider();

  private Connection connect() throws Exception {
    return new Connection(provider(), directory, WINDOW_BYTES);
  }

  @Test
  void two_sides_that_sleep_between_messages_lose_no_wake_up() throws Exception {
    int rounds = 2_000;
    try (Connection c = connect()) {
      Bouncer there = new Bouncer(c.acceptor, rounds);
      Thread peer = new Thread(there::run);
      peer.start();
      Bouncer here = new Bouncer(c.connector, rounds);
      here.post();
      here.run();
      peer.join(TimeUnit.NANOSECONDS.toMillis(Connection.TIMEOUT_NS));
      assertFalse(peer.isAlive());
      assertEquals(rounds, here.received);
      assertEquals(rounds, there.received);
    }
  }

  /** Answers each message with one, sleeping whenever a poll finds nothing. */
  private static final class Bouncer implements CompletionHandler {
    private final QueuePair qp;
    private final int rounds;
    private int received;

    Bouncer(QueuePair qp, int rounds) {
      this.qp = qp;
      this.rounds = rounds;
    }

    void run() {
      long start = System.nanoTime();
      while (received < rounds) {
        if (qp.poll(this, 1) == 0) {
          qp.await(Connection.TIMEOUT_NS);
        }
        Connection.requireTime(start);
      }
    }

    void post() {
      MemorySegment place = qp.claimMessage();
      assertNotNull(place);
      place.set(JAVA_LONG, 0, received);
      qp.postMessage(64);
    }

    @Override
    public void message(MemorySegment buffer, long offsetBytes, int lengthBytes) {
      received++;
      post();
    }

    @Override
    public void written(long workRequestId, WriteStatus status) {}

    @Override
    public void disconnected(String reason) {
      throw new AssertionError(reason);
    }
  }

  @Test
  void wakeup_ends_a_wait_before_it_and_a_wait_under_way() throws Exception {
    try (Connection c = connect()) {
      c.acceptor.wakeup();
      c.acceptor.await(TimeUnit.HOURS.toNanos(1));
      CountDownLatch waiting = new CountDownLatch(1);
      AtomicReference<@Nullable String> state = new AtomicReference<>();
      Thread sleeper =
          new Thread(() -> {
            waiting.countDown();
            while (state.get() == null) {
              c.acceptor.await(TimeUnit.HOURS.toNanos(1));
            }
          });
      sleeper.start();
      waiting.await();
      state.set("woken");
      c.acceptor.wakeup();
      sleeper.join(TimeUnit.NANOSECONDS.toMillis(Connection.TIMEOUT_NS));
      assertFalse(sleeper.isAlive());
    }
  }

  @Test
  void await_returns_when_its_time_is_over_and_at_once_if_there_is_none() throws Exception {
    try (Connection c = connect()) {
      long start = System.nanoTime();
      c.connector.await(0);
      c.connector.await(-1);
      while (System.nanoTime() - start < TimeUnit.MILLISECONDS.toNanos(5)) {
        c.connector.await(TimeUnit.MILLISECONDS.toNanos(1));
      }
      Connection.requireTime(start);
    }
  }

  @Test
  void waiting_for_a_place_in_a_full_ring_ends_when_the_peer_takes_messages() throws Exception {
    try (Connection c = connect()) {
      String text = "x".repeat(1000);
      while (Connection.tryPost(c.connector, text)) {}
      Thread peer =
          new Thread(() -> {
            while (c.acceptor.isOpen()) {
              if (c.acceptor.poll(c.atAcceptor, 16) == 0) {
                c.acceptor.await(Connection.TIMEOUT_NS);
              }
            }
          });
      peer.start();
      long start = System.nanoTime();
      while (c.connector.claimMessage() == null) {
        c.connector.await(Connection.TIMEOUT_NS);
        c.connector.poll(c.atConnector, 16);
        Connection.requireTime(start);
      }
      c.acceptor.abort("over");
      peer.join(TimeUnit.NANOSECONDS.toMillis(Connection.TIMEOUT_NS));
      assertFalse(peer.isAlive());
    }
  }

  @Test
  void neither_messages_nor_writes_nor_waiting_allocate() throws Exception {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (Connection c = connect();
        Arena arena = Arena.ofShared()) {
      MemorySegment source = arena.allocate(1 << 16, 64);
      MemoryRegion region = c.connector.register(source);
      Steady steady = new Steady(c.connector, c.acceptor, region);
      steady.rounds(15_000); // until compiled
      long least = Long.MAX_VALUE;
      for (int i = 0; i < 10 && least > 0; i++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        steady.rounds(1_000);
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      }
      assertEquals(0, least);
    }
  }

  /** A small write, a large write and a message there, a message back, and a wait in between. */
  private static final class Steady implements CompletionHandler {
    private final QueuePair connector;
    private final QueuePair acceptor;
    private final MemoryRegion region;
    private long received;
    private long written;

    Steady(QueuePair connector, QueuePair acceptor, MemoryRegion region) {
      this.connector = connector;
      this.acceptor = acceptor;
      this.region = region;
    }

    void rounds(int count) {
      for (int i = 0; i < count; i++) {
        long messages = received;
        long writes = written;
        RemoteRegion target = connector.remoteExposed();
        assertTrue(connector.postWrite(region, 0, target, 128, 256, 1));
        assertTrue(connector.postWrite(region, 0, target, 4096, 1 << 16, 2));
        post(connector);
        while (received == messages) {
          connector.poll(this, 4);
          acceptor.poll(this, 4);
        }
        post(acceptor);
        while (received == messages + 1 || written < writes + 2) {
          if (connector.poll(this, 4) == 0) {
            connector.await(1);
          }
        }
      }
    }

    private static void post(QueuePair qp) {
      if (qp.claimMessage() == null) {
        throw new AssertionError("no place");
      }
      qp.postMessage(64);
    }

    @Override
    public void message(MemorySegment buffer, long offsetBytes, int lengthBytes) {
      received++;
    }

    @Override
    public void written(long workRequestId, WriteStatus status) {
      written++;
    }

    @Override
    public void disconnected(String reason) {
      throw new AssertionError(reason);
    }
  }
}
