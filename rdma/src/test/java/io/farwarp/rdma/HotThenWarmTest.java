package io.farwarp.rdma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class HotThenWarmTest {
  private final AtomicLong nowNs = new AtomicLong(1_000);

  @Test
  void without_hot_time_every_idle_poll_sleeps() {
    HotThenWarm wait = new HotThenWarm(0, nowNs::get);
    assertFalse(wait.staysHot());
    wait.worked();
    assertFalse(wait.staysHot());
    assertEquals(0, wait.hotIdleNs());
  }

  @Test
  void it_stays_hot_for_its_time_then_warm_until_work_comes() {
    HotThenWarm wait = new HotThenWarm(10_000, nowNs::get);
    int polls = 0;
    while (wait.staysHot()) {
      polls++;
      nowNs.addAndGet(10);
    }
    assertTrue(polls >= 1_000 && polls < 1_200, polls + " polls of 10 ns in 10 us");
    for (int i = 0; i < 1_000; i++) {
      assertFalse(wait.staysHot());
    }
    wait.worked();
    assertTrue(wait.hotIdleNs() >= 10_000 && wait.hotIdleNs() < 12_000, "" + wait.hotIdleNs());
    assertTrue(wait.staysHot());
  }

  @Test
  void sleeping_is_not_accounted_as_hot() {
    HotThenWarm wait = new HotThenWarm(1_000, nowNs::get);
    while (wait.staysHot()) {
      nowNs.addAndGet(10);
    }
    nowNs.addAndGet(1_000_000_000);
    assertFalse(wait.staysHot());
    wait.worked();
    assertTrue(wait.hotIdleNs() < 2_000, "" + wait.hotIdleNs());
  }
}
