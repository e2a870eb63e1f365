package io.farwarp.rdma;

import java.util.function.LongSupplier;

/**
 * Tells a polling thread whether to poll again at once or to sleep in {@link QueuePair#await}: hot
 * for a set time after the last event, then warm. One thread.
 *
 * <p>The clock is read once in {@link #POLLS_PER_CLOCK} idle polls, and not at all after an event:
 * a clock read costs as much as a poll. So the hot time is kept, and accounted, to that many polls.
 */
public final class HotThenWarm {
  /** A power of two. */
  private static final int POLLS_PER_CLOCK = 64;

  private final long hotNs;
  private final LongSupplier clockNs;
  private long idlePolls;
  private long idleSinceNs;
  private long idleUntilNs;
  private long hotIdleNs;
  private boolean warm;

  /**
   * @param hotNs how long to spin after an event; 0 sleeps at once
   */
  public HotThenWarm(long hotNs) {
    this(hotNs, System::nanoTime);
  }

  HotThenWarm(long hotNs, LongSupplier clockNs) {
    this.hotNs = hotNs;
    this.clockNs = clockNs;
  }

  /** A poll found something: the hot time begins anew. */
  public void worked() {
    if (!warm) {
      hotIdleNs += idleUntilNs - idleSinceNs;
    }
    idleSinceNs = idleUntilNs;
    idlePolls = 0;
    warm = false;
  }

  /**
   * A poll found nothing.
   *
   * @return true to poll again (after a pause that this call makes), false to sleep; it stays false
   *     until {@link #worked}
   */
  public boolean staysHot() {
    if (warm || hotNs <= 0) {
      return false;
    }
    idlePolls++;
    if ((idlePolls & (POLLS_PER_CLOCK - 1)) == 0) {
      idleUntilNs = clockNs.getAsLong();
      if (idlePolls == POLLS_PER_CLOCK) {
        idleSinceNs = idleUntilNs;
      } else if (idleUntilNs - idleSinceNs >= hotNs) {
        hotIdleNs += idleUntilNs - idleSinceNs;
        warm = true;
        return false;
      }
    }
    Thread.onSpinWait();
    return true;
  }

  /** Time spent spinning without work since the beginning, of idle periods that have ended. */
  public long hotIdleNs() {
    return hotIdleNs;
  }
}
