package io.farwarp.executor.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
final class AgentLoopTest {
  private static final int BEYOND = 10;

  @Test
  void who_hands_over_too_much_waits_and_nothing_is_lost() throws Exception {
    AgentLoop loop = new AgentLoop(() -> {});
    CountDownLatch blocked = new CountDownLatch(1);
    AtomicInteger handedOver = new AtomicInteger();
    CountDownLatch done = new CountDownLatch(AgentLoop.MAX_WAITING + BEYOND);
    loop.start();
    loop.execute(() -> awaitQuietly(blocked));
    Thread flood =
        Thread.ofVirtual()
            .start(() -> {
              for (int i = 0; i < AgentLoop.MAX_WAITING + BEYOND; i++) {
                loop.execute(done::countDown);
                handedOver.incrementAndGet();
              }
            });
    while (handedOver.get() < AgentLoop.MAX_WAITING - 1) {
      Thread.onSpinWait();
    }
    assertTrue(flood.isAlive());
    assertTrue(handedOver.get() <= AgentLoop.MAX_WAITING);
    blocked.countDown();
    done.await();
    assertTrue(loop.end(20));
  }

  @Test
  void a_defect_in_a_task_ends_neither_the_loop_nor_its_ticks() throws Exception {
    CountDownLatch ticks = new CountDownLatch(3);
    AgentLoop loop = new AgentLoop(ticks::countDown);
    loop.execute(() -> {
      throw new IllegalStateException("a defect");
    });
    loop.start();
    ticks.await();
    assertTrue(loop.end(20));
    AtomicInteger after = new AtomicInteger();
    loop.execute(after::incrementAndGet);
    assertEquals(0, after.get());
  }

  @Test
  void a_host_without_threads_to_give_does_not_end_the_loop() throws Exception {
    CountDownLatch ticks = new CountDownLatch(3);
    AgentLoop loop =
        new AgentLoop(() -> {
          ticks.countDown();
          throw new OutOfMemoryError("unable to create native thread");
        });
    loop.start();
    ticks.await();
    assertTrue(loop.end(20));
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
