package io.farwarp.gateway;

import static java.util.concurrent.TimeUnit.NANOSECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import io.farwarp.wire.Status;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * One thread that runs the tasks of a bounded mailbox, in order and in batches. Unless it is
 * started, its work is done by whoever calls {@link #work}.
 */
final class BookThread implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(BookThread.class.getName());
  private static final int MAILBOX = 8192;
  private static final int BATCH = 256;
  private static final long LONGEST_PAUSE_NS = SECONDS.toNanos(1);
  private static final long MAILBOX_WAIT_S = 5;
  private static final long CLOSE_WAIT_S = 10;

  /** What the thread does beside its tasks; on the thread. */
  interface Turn {
    /** How long it may sleep if no task comes. */
    long pauseNs();

    /** After each batch, which may be an empty one. */
    void endBatch();
  }

  private final Turn turn;
  private final BlockingQueue<Runnable> mailbox = new ArrayBlockingQueue<>(MAILBOX);
  private final Thread thread;
  private volatile boolean stopping;

  BookThread(String name, Turn turn) {
    this.turn = turn;
    this.thread = Thread.ofPlatform().name(name).unstarted(this::loop);
  }

  void start() {
    thread.start();
  }

  /** Waits a little for room; refuses if there is none. */
  void post(Runnable task) throws Refusal {
    if (stopping) {
      throw Refusal.unavailable("the gateway is shutting down");
    }
    try {
      if (mailbox.offer(task, MAILBOX_WAIT_S, SECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw Refusal.of(
        Status.RESOURCE_EXHAUSTED, "the gateway has " + MAILBOX + " calls to answer: try later");
  }

  /** For what must not be lost: waits for room as long as the thread runs. */
  void postAnyway(Runnable task) {
    try {
      while (thread.getState() != Thread.State.TERMINATED
          && !mailbox.offer(task, MAILBOX_WAIT_S, SECONDS)) {
        LOG.log(Level.WARNING, "the mailbox of the lease book is full");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void loop() {
    List<Runnable> batch = new ArrayList<>(BATCH);
    while (!stopping || !mailbox.isEmpty()) {
      batch.clear();
      try {
        long pauseNs = Math.clamp(turn.pauseNs(), 0, LONGEST_PAUSE_NS);
        Runnable first = mailbox.poll(pauseNs, NANOSECONDS);
        if (first != null) {
          batch.add(first);
        }
      } catch (InterruptedException e) {
        // No one of ours interrupts this thread; it ends by `stopping` only.
        continue;
      }
      run(batch);
    }
  }

  /** Runs {@code batch} and what waits already. */
  private void run(List<Runnable> batch) {
    mailbox.drainTo(batch, BATCH - batch.size());
    batch.forEach(BookThread::guarded);
    guarded(turn::endBatch);
  }

  /**
   * One batch of what waits, on the calling thread.
   *
   * @return how long until there is more to do if no task comes, in nanoseconds; 0: some wait
   */
  long work() {
    run(new ArrayList<>());
    return mailbox.isEmpty() ? Math.clamp(turn.pauseNs(), 0, LONGEST_PAUSE_NS) : 0;
  }

  /** A defect met by one task must not end the thread that all leases depend on. */
  static void guarded(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "a task of the lease book failed", e);
    }
  }

  /** Runs what waits, then ends. */
  @Override
  public void close() {
    stopping = true;
    // Wakes the thread; an interrupt would close the store's file if it came in the middle of a
    // write.
    boolean _ = mailbox.offer(() -> {});
    try {
      if (thread.isAlive()) {
        thread.join(SECONDS.toMillis(CLOSE_WAIT_S));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
