package io.farwarp.rdma.shm;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A thread beside a connection that sleeps on its Unix socket: it notices the peer's end, and it
 * keeps the time of a long wait. So whoever polls makes no system call for either, and whoever
 * waits arms no timer, which on a virtual machine costs as much as the wake-up itself.
 */
final class PeerWatch {
  /** A wait of at least this can be left to the watch; it ends up to this much too early. */
  static final long LEAST_ALARM_NS = TimeUnit.MILLISECONDS.toNanos(200);

  private static final long NO_ALARM = Long.MAX_VALUE;
  private static final int TICK_MS = 100;

  private final PeerLink link;
  private final Runnable wake;
  private final Thread thread;
  private volatile boolean stirred;
  private volatile boolean joining;
  private volatile @Nullable String failure;
  private volatile long alarmNs = NO_ALARM;

  /**
   * @param wake ends the owner's wait
   */
  PeerWatch(PeerLink link, Runnable wake) {
    this.link = link;
    this.wake = wake;
    this.thread = Thread.ofPlatform().daemon().name("shm-watch").unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** Ends the thread and waits for that, once the link is shut down. */
  void join() {
    joining = true;
    LockSupport.unpark(thread);
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** True once the peer has ended, or said that it will; it stays so. */
  boolean stirred() {
    return stirred;
  }

  /** Why the peer cannot be watched any more; null while it can. */
  @Nullable String failure() {
    return failure;
  }

  /** Wakes the owner before {@code timeoutNs} have passed, {@link #LEAST_ALARM_NS} at least. */
  void setAlarm(long timeoutNs) {
    long nowNs = System.nanoTime();
    alarmNs = nowNs + Math.min(timeoutNs, TimeUnit.DAYS.toNanos(1)) - LEAST_ALARM_NS;
  }

  void clearAlarm() {
    alarmNs = NO_ALARM;
  }

  private void run() {
    try {
      while (!link.awaitStir(TICK_MS)) {
        long dueNs = alarmNs;
        if (dueNs != NO_ALARM && System.nanoTime() - dueNs >= 0) {
          wake.run();
        }
      }
    } catch (IOException e) {
      failure = "its end cannot be watched for: " + e.getMessage();
    }
    stirred = true;
    // The peer can write the word that the owner sleeps on, so that one wake-up is missed.
    while (!joining) {
      wake.run();
      LockSupport.parkNanos(this, TimeUnit.MILLISECONDS.toNanos(TICK_MS));
    }
  }
}
