package io.farwarp.executor.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
final class PackageFetchesTest {
  private final PackageFetches fetches = new PackageFetches();
  private final List<String> ran = new CopyOnWriteArrayList<>();

  @AfterEach
  void close() {
    fetches.close();
  }

  private void offer(String leaseId, String name, CountDownLatch done) {
    assertTrue(
        fetches.offer(
            leaseId,
            () -> {
              ran.add(name);
              done.countDown();
            }));
  }

  @Test
  void leases_take_turns_and_each_keeps_its_order() throws Exception {
    CountDownLatch done = new CountDownLatch(6);
    for (String name : List.of("a1", "a2", "a3", "b1", "b2", "c1")) {
      offer("L-" + name.charAt(0), name, done);
    }
    fetches.start();
    done.await();
    assertEquals(List.of("a1", "b1", "c1", "a2", "b2", "a3"), ran);
  }

  @Test
  void a_lease_that_asks_for_too_much_is_refused_and_no_other_is() throws Exception {
    CountDownLatch done = new CountDownLatch(PackageFetches.MAX_WAITING_OF_LEASE + 1);
    for (int i = 0; i < PackageFetches.MAX_WAITING_OF_LEASE; i++) {
      offer("L-1", "greedy", done);
    }
    assertFalse(fetches.offer("L-1", () -> {}));
    offer("L-2", "modest", done);
    fetches.start();
    done.await();
    assertEquals("modest", ran.get(1));
  }
}
