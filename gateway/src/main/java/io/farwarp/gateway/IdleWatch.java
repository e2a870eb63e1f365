package io.farwarp.gateway;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Says when a transfer has made no progress for too long, or takes too long as a whole. Any thread.
 */
final class IdleWatch {
  /** Twenty times the longest pause: a peer that trickles is given up as one that is silent is. */
  private static final int WHOLE_PER_IDLE = 20;

  private final long idleNs;
  private final long startNs = System.nanoTime();
  private final Runnable late;
  private volatile long progressNs = startNs;
  private volatile boolean over;

  private IdleWatch(long idleNs, Runnable late) {
    this.idleNs = idleNs;
    this.late = late;
  }

  /** {@code late} is called once at most, on some thread. */
  static IdleWatch start(long idleNs, Runnable late) {
    IdleWatch watch = new IdleWatch(idleNs, late);
    watch.lookLater(idleNs);
    return watch;
  }

  void progress() {
    progressNs = System.nanoTime();
  }

  void stop() {
    over = true;
  }

  private void lookLater(long delayNs) {
    CompletableFuture.delayedExecutor(delayNs, TimeUnit.NANOSECONDS).execute(this::look);
  }

  private void look() {
    if (over) {
      return;
    }
    long dueNs = Math.min(progressNs + idleNs, startNs + WHOLE_PER_IDLE * idleNs);
    long leftNs = dueNs - System.nanoTime();
    if (leftNs > 0) {
      lookLater(leftNs);
    } else {
      over = true;
      late.run();
    }
  }
}
