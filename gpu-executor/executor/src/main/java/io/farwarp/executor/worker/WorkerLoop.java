package io.farwarp.executor.worker;

import io.farwarp.executor.device.DeviceStream;
import io.farwarp.rdma.QueuePair;
import io.farwarp.v1.LeaseState;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The worker's two threads. One polls: it waits for sessions and drives the one there is, hot and
 * then warm. The other one watches it: when a launch keeps the polling thread for long, it takes
 * over polling, and the two have changed places.
 */
final class WorkerLoop {
  private static final Logger LOG = System.getLogger(WorkerLoop.class.getName());

  /** Makes the state of a session from its connection. */
  interface SessionFactory {
    Session open(QueuePair queuePair, DeviceStream stream, Turn turn);
  }

  /** Polls between two looks at the clock. */
  private static final int POLLS_PER_CLOCK = 8;

  /** The watching thread's rhythm while launches come, and while none do. */
  private static final long WATCH_NS = TimeUnit.MILLISECONDS.toNanos(2);

  private static final long IDLE_WATCH_NS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(15);

  /** How long a lease outlives a client that went without a word. */
  private static final long DESERTED_LIMIT_NS = TimeUnit.SECONDS.toNanos(10);

  private static final long IDLE_PARK_NS = TimeUnit.SECONDS.toNanos(1);

  private final SessionDoor door;
  private final LeaseTerm term;
  private final SessionFactory sessions;
  private final DeviceStream stream;
  private final LongSupplier clock;
  private final long hotNs;
  private final Turn turn = new Turn();
  private final Thread[] threads = new Thread[2];
  private final CountDownLatch ended = new CountDownLatch(1);

  /* Written by the thread that has the turn. */
  private @Nullable Session session;
  private volatile @Nullable QueuePair connection;
  private volatile @Nullable Thread poller;
  private long nowNs;
  private long lastWorkNs;
  private boolean deserted;
  private long desertedNs;
  private boolean isHot;
  private long hotSpentNs;

  private volatile @Nullable Ending requested;
  private volatile @Nullable Ending outcome;

  WorkerLoop(
      SessionDoor door,
      LeaseTerm term,
      SessionFactory sessions,
      DeviceStream stream,
      LongSupplier clock,
      long hotNs) {
    this.door = door;
    this.term = term;
    this.sessions = sessions;
    this.stream = stream;
    this.clock = clock;
    this.hotNs = hotNs;
    threads[0] = Thread.ofPlatform().daemon().name("worker-a").unstarted(() -> run(true));
    threads[1] = Thread.ofPlatform().daemon().name("worker-b").unstarted(() -> run(false));
  }

  void start() {
    poller = threads[0];
    for (Thread thread : threads) {
      thread.start();
    }
  }

  /** Ends the polling thread's wait. Any thread. */
  void wakeup() {
    QueuePair connected = connection;
    if (connected != null) {
      connected.wakeup();
    }
    LockSupport.unpark(poller);
  }

  /**
   * Ends the session, with what {@code why} says, and then the loop. Any thread; the first counts.
   */
  void requestEnd(Ending why) {
    synchronized (this) {
      if (requested == null) {
        requested = why;
      }
    }
    wakeup();
  }

  /** Waits until the loop has ended; why it did. */
  Ending awaitEnd() throws InterruptedException {
    ended.await();
    Ending why = outcome;
    return why == null ? new Ending(LeaseState.FAILED, "the worker's loop broke") : why;
  }

  /**
   * Ends the session without ceremony and both threads with it; returns when they are gone or stuck
   * in a launch.
   */
  void close() {
    requestEnd(new Ending(LeaseState.REVOKED, "the worker closes"));
    boolean interrupted = false;
    for (Thread thread : threads) {
      try {
        thread.join(CLOSE_LIMIT);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void run(boolean polling) {
    boolean mine = polling;
    try {
      while (outcome == null) {
        if (mine) {
          poller = Thread.currentThread();
          mine = poll();
          if (!mine) {
            wakeup(); // the launch that kept this thread has ended: the other one answers it
          }
        } else {
          mine = watch();
        }
      }
    } catch (RuntimeException | Error e) {
      LOG.log(Level.ERROR, "defect in the worker", e);
      finish(new Ending(LeaseState.FAILED, "defect in the worker: " + e));
    }
  }

  private void finish(Ending why) {
    synchronized (this) {
      if (outcome == null) {
        outcome = why;
      }
    }
    door.close();
    ended.countDown();
    for (Thread thread : threads) {
      LockSupport.unpark(thread);
    }
  }

  /** The watching thread: true when it has taken the turn. */
  private boolean watch() {
    turn.watch();
    long last = turn.observe();
    long pauseNs = WATCH_NS;
    while (outcome == null) {
      LockSupport.parkNanos(this, pauseNs);
      long seen = turn.observe();
      if (seen == last && Turn.isInLaunch(seen) && turn.take(seen)) {
        LOG.log(Level.DEBUG, "a launch lasts; polling goes on beside it");
        return true;
      }
      pauseNs = seen == last ? Math.min(2 * pauseNs, IDLE_WATCH_NS) : WATCH_NS;
      last = seen;
    }
    return false;
  }

  /** The polling thread: false when it has lost the turn. */
  private boolean poll() {
    nowNs = clock.getAsLong();
    lastWorkNs = nowNs;
    while (outcome == null) {
      Session current = session;
      if (current == null) {
        pollIdle();
        nowNs = clock.getAsLong();
      } else if (!pollSession(current)) {
        return false;
      }
    }
    return true;
  }

  private void pollIdle() {
    QueuePair arrived = door.takeArrival();
    if (arrived != null) {
      openSession(arrived);
      return;
    }
    Ending why = dueEnding();
    if (why == null && deserted && nowNs - desertedNs >= DESERTED_LIMIT_NS) {
      why =
          new Ending(
              LeaseState.RELEASED,
              "its client went without a word and did not come back within 10 s");
    }
    if (why != null) {
      requestEnd(why);
      QueuePair last = door.closeAfterLast();
      if (last == null) {
        finish(why);
      } else {
        openSession(last); // its client is told why, and that ends the loop
      }
      return;
    }
    LockSupport.parkNanos(this, Math.min(IDLE_PARK_NS, Math.max(1, term.deadlineNs() - nowNs)));
  }

  /** Also when the worker is about to end: then the client is told why before it is left. */
  private void openSession(QueuePair arrived) {
    connection = arrived;
    session = sessions.open(arrived, stream, turn);
    deserted = false;
    lastWorkNs = clock.getAsLong();
    LOG.log(Level.INFO, "session opened over {0}", arrived.transport());
  }

  private @Nullable Ending dueEnding() {
    Ending why = requested;
    String lost = stream.lost();
    if (why == null && lost != null) {
      return new Ending(LeaseState.FAILED, "the device is lost: " + lost);
    }
    return why == null && term.hasPassed(nowNs)
        ? new Ending(LeaseState.EXPIRED, "the lease's time is over")
        : why;
  }

  private @Nullable Ending endIfDue(Session current) {
    Ending why = dueEnding();
    if (why != null) {
      current.end(why.status(), why.reason());
    }
    return why;
  }

  /** Leaves a fresh time in {@link #nowNs}; false when the turn is lost. */
  private boolean pollSession(Session current) {
    int polls = hotNs == 0 ? 1 : POLLS_PER_CLOCK;
    for (int i = 0; i < polls; i++) {
      int done = current.doWork(nowNs);
      if (done == Session.TURN_LOST) {
        return false;
      }
      if (done > 0) {
        accountHot();
        long latestNs = current.latestNs();
        nowNs = latestNs - nowNs > 0 ? latestNs : clock.getAsLong();
        lastWorkNs = nowNs;
        isHot = true;
        endIfDue(current); // a client that keeps this thread busy gains no time by it
        return true;
      }
      Thread.onSpinWait();
    }
    nowNs = clock.getAsLong();
    Ending why = endIfDue(current);
    if (current.isClosed()) {
      sessionClosed(current, why);
      return true;
    }
    if (door.isContested() && current.contest(nowNs)) {
      door.sessionIsAlive();
    }
    if (nowNs - lastWorkNs >= hotNs || (current.isDeviceBusy() && !stream.movesByPolling())) {
      accountHot();
      isHot = false;
      stream.arm();
      long limitNs = Math.min(current.idleLimitNs(nowNs), term.deadlineNs() - nowNs);
      current.queuePair().await(Math.max(1, limitNs));
      nowNs = clock.getAsLong();
    }
    return true;
  }

  private void accountHot() {
    if (isHot) {
      hotSpentNs += Math.max(0, nowNs - lastWorkNs);
    }
  }

  private void sessionClosed(Session closed, @Nullable Ending why) {
    LOG.log(
        Level.INFO,
        "session closed: {0}, {1} ms of hot waiting since the start",
        closed.accountText(),
        hotSpentNs / 1_000_000);
    connection = null;
    session = null;
    door.sessionClosed();
    deserted = closed.isDeserted();
    desertedNs = clock.getAsLong();
    Ending ending = closed.ending();
    Ending last = ending == null ? why : ending;
    if (last != null) {
      requestEnd(last); // who waits for the place meanwhile is told too, by pollIdle
    }
  }
}
