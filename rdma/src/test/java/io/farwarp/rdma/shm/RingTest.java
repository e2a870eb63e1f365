package io.farwarp.rdma.shm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.farwarp.rdma.Connection;
import io.farwarp.rdma.linux.SharedMemory;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** One direction of the rings by itself. */
final class RingTest {
  /** Longer than the test may take: a lost wake-up cannot hide behind it. */
  private static final long FOREVER_NS = TimeUnit.HOURS.toNanos(1);

  @Test
  void no_wake_up_is_lost_when_every_message_may_find_the_consumer_falling_asleep()
      throws Exception {
    int count = 20_000;
    try (SharedMemory shared = SharedMemory.create("test-rings", RingLayout.TOTAL_BYTES)) {
      MemorySegment ring = RingLayout.direction(shared.segment(), 0);
      RingProducer producer = new RingProducer(ring);
      RingConsumer consumer = new RingConsumer(ring);
      AtomicInteger taken = new AtomicInteger();
      Thread sleeper = new Thread(() -> consume(consumer, taken, count));
      sleeper.setDaemon(true);
      sleeper.start();
      long start = System.nanoTime();
      for (int i = 0; i < count; i++) {
        MemorySegment place = producer.claim();
        assertNotNull(place);
        place.set(JAVA_INT, 0, i);
        producer.post(64);
        while (taken.get() <= i) { // one at a time, so that each may have to wake
          Thread.onSpinWait();
          Connection.requireTime(start);
        }
      }
      sleeper.join(TimeUnit.NANOSECONDS.toMillis(Connection.TIMEOUT_NS));
      assertFalse(sleeper.isAlive());
    }
  }

  private static void consume(RingConsumer consumer, AtomicInteger taken, int count) {
    for (int i = 0; i < count; i++) {
      while (consumer.take() == 0) {
        consumer.announceSleep();
        if (!consumer.ready()) {
          consumer.sleep(FOREVER_NS);
        }
        consumer.endSleep();
      }
      if (consumer.message().get(JAVA_INT, 0) != i) {
        throw new AssertionError("message " + i);
      }
      taken.set(i + 1);
    }
  }

  @Test
  void message_numbers_wrap_after_two_to_the_thirty_second() {
    long before = 0xFFFF_FFFFL;
    assertEquals(-1, (int) (RingLayout.word(before, 64, 64) >>> 32));
    assertEquals(0, (int) (RingLayout.word(before + 1, 64, 64) >>> 32));
    assertEquals(64, RingLayout.word(before + 1, 64, 64) & 0xFFFF);
    assertEquals(RingLayout.slot(1), RingLayout.slot(before + 2));
  }
}
