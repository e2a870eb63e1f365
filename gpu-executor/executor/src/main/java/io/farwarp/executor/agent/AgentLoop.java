package io.farwarp.executor.agent;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The agent's one thread: runs what is handed to it, in order, and a tick every 100 ms. Who hands
 * something over while {@link #MAX_WAITING} things wait, waits for a place.
 */
final class AgentLoop {
  static final int MAX_WAITING = 1024;

  private static final Logger LOG = System.getLogger(AgentLoop.class.getName());
  private static final long TICK_NS = TimeUnit.MILLISECONDS.toNanos(100);

  private final BlockingQueue<Runnable> tasks = new ArrayBlockingQueue<>(MAX_WAITING, true);
  private final Runnable tick;
  private final Thread thread;
  private volatile boolean ending;

  AgentLoop(Runnable tick) {
    this.tick = tick;
    this.thread = Thread.ofPlatform().name("agent").daemon().unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /**
   * Hands {@code task} over; after {@link #end} it may be dropped. Any thread but the loop's own.
   */
  void execute(Runnable task) {
    boolean interrupted = false;
    boolean taken = false;
    while (!taken && !ending) {
      try {
        taken = tasks.offer(task, 1, TimeUnit.SECONDS); // to see in between whether it has ended
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    long nextTickNs = System.nanoTime();
    while (true) {
      Runnable task = next(nextTickNs - System.nanoTime());
      if (task != null) {
        runSafely(task);
      } else if (ending) {
        return;
      }
      if (System.nanoTime() - nextTickNs >= 0) {
        runSafely(tick);
        nextTickNs = System.nanoTime() + TICK_NS;
      }
    }
  }

  private @Nullable Runnable next(long waitNs) {
    try {
      return ending ? tasks.poll() : tasks.poll(Math.max(0, waitNs), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      ending = true; // nobody interrupts this thread but who wants it gone
      return tasks.poll();
    }
  }

  private static void runSafely(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | Error e) {
      // The loop must go on: deadlines of other leases depend on it. An Error as well, such as that
      // of a host without threads to give, which passes.
      LOG.log(Level.ERROR, "defect in the agent's loop", e);
    }
  }

  /** Runs what waits and ends; false if that takes longer. */
  boolean end(long limitS) throws InterruptedException {
    ending = true;
    thread.join(TimeUnit.SECONDS.toMillis(limitS));
    return !thread.isAlive();
  }
}
