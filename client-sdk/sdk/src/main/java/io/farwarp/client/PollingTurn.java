package io.farwarp.client;

import io.farwarp.rdma.CompletionHandler;
import io.farwarp.rdma.QueuePair;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Whose turn it is to poll a session's queue pair, and who may touch it at all.
 *
 * <p>Of the threads that wait for completions one, the <i>leader</i>, polls: hot for a while, then
 * blocked in the queue pair. The others park; the leader unparks each when its request has ended,
 * and the next leader when its own has. The session's thread leads only while futures wait or bulk
 * moves, and no caller leads. So on the hot path a caller polls for itself, and no other thread
 * runs.
 */
final class PollingTurn {
  /* The lock guards the queue pair and the slots. The leader holds it while it polls and while it
   * blocks, which may be long: a thread that wants it says so in `wanting`, wakes a blocked leader,
   * and the leader lets it in first. `blocked` is set before `wanting` is read, and `wanting`
   * before `blocked`, so that one of the two always sees the other.
   *
   * A follower puts itself where it will be looked for (request.waiter, roomWaiters), counts itself
   * in `followers`, and only then looks whether there is a leader; a leader that leaves clears
   * `leading` first and looks for followers then. */

  static final int EVENTS_AT_ONCE = 16;

  private static final int POLLS_PER_CLOCK = 16;
  private static final int TRIES_BEFORE_QUEUEING = 2000;

  /** How long a follower sleeps at most before it looks again by itself. */
  private static final long FOLLOWER_NAP_NS = 50_000_000L;

  private final SessionEngine engine;
  private final QueuePair queuePair;
  private final CompletionHandler responses;
  private final long hotNs;

  private final ReentrantLock lock = new ReentrantLock();
  private final AtomicInteger wanting = new AtomicInteger();
  private volatile boolean blocked;
  private final AtomicBoolean leading = new AtomicBoolean();
  private final AtomicInteger followers = new AtomicInteger();
  private final Queue<Thread> roomWaiters = new ConcurrentLinkedQueue<>();
  private volatile int roomWaiting;
  private volatile @Nullable Thread sessionThread;
  private volatile boolean sessionThreadLeads;

  // Guarded by the lock.
  private long warmWaits;

  PollingTurn(SessionEngine engine, QueuePair queuePair, CompletionHandler responses, long hotNs) {
    this.engine = engine;
    this.queuePair = queuePair;
    this.responses = responses;
    this.hotNs = hotNs;
  }

  // The lock.

  /** For everyone but the leader: short work on the queue pair or the slots. */
  void lock() {
    if (lock.tryLock()) {
      return;
    }
    wanting.incrementAndGet();
    try {
      if (blocked) {
        queuePair.wakeup();
      }
      for (int tries = 0; tries < TRIES_BEFORE_QUEUEING; tries++) {
        if (lock.tryLock()) {
          return;
        }
        Thread.onSpinWait();
      }
      lock.lock();
    } finally {
      wanting.decrementAndGet();
    }
  }

  void unlock() {
    lock.unlock();
  }

  long warmWaits() {
    return warmWaits;
  }

  // Waiting.

  /** Waits until {@code request} has ended; false when {@code limitNs} passed first. */
  boolean await(WorkRequest request, long limitNs) {
    if (leading.compareAndSet(false, true)) {
      return lead(request, limitNs);
    }
    return follow(request, limitNs);
  }

  /** Waits until a request can be posted, {@code limitNs} at most. */
  void awaitRoom(long limitNs) {
    if (leading.compareAndSet(false, true)) {
      var _ = lead(null, limitNs);
      return;
    }
    Thread me = Thread.currentThread();
    long deadlineNs = System.nanoTime() + limitNs;
    roomWaiters.add(me);
    countRoomWaiting(1);
    followers.incrementAndGet();
    try {
      interruptSessionThread();
      if (leading.get()) {
        LockSupport.parkNanos(this, Math.min(FOLLOWER_NAP_NS, deadlineNs - System.nanoTime()));
      }
    } finally {
      followers.decrementAndGet();
      countRoomWaiting(-1);
      roomWaiters.remove(me);
    }
    // A turn that was handed over to a thread that goes away now would be nobody's.
    handOver();
  }

  private void countRoomWaiting(int change) {
    synchronized (roomWaiters) {
      roomWaiting = roomWaiting + change;
    }
  }

  private boolean follow(WorkRequest request, long limitNs) {
    Thread me = Thread.currentThread();
    if (!request.claimWaiter(me)) {
      return besideAnother(request, limitNs);
    }
    long startNs = System.nanoTime();
    followers.incrementAndGet();
    try {
      interruptSessionThread();
      while (!request.isDone()) {
        long leftNs = limitNs - (System.nanoTime() - startNs);
        if (leftNs <= 0 || me.isInterrupted()) {
          return false;
        }
        if (leading.compareAndSet(false, true)) {
          return lead(request, leftNs);
        }
        LockSupport.parkNanos(this, Math.min(FOLLOWER_NAP_NS, leftNs));
      }
      return true;
    } finally {
      request.waiter = null;
      followers.decrementAndGet();
      handOver();
    }
  }

  /** A second thread that waits for the same request leaves the work to the session's thread. */
  private boolean besideAnother(WorkRequest request, long limitNs) {
    try {
      var _ = engine.future(request).get(limitNs, TimeUnit.NANOSECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException("a request's future holds its failure as a value", e);
    }
  }

  // Leading.

  /**
   * Polls until {@code request} has ended (null: until there is room), then hands the turn on.
   *
   * @return false when {@code limitNs} passed first, or the thread was interrupted
   */
  private boolean lead(@Nullable WorkRequest request, long limitNs) {
    lock.lock();
    try {
      return pollUntil(request, limitNs);
    } finally {
      lock.unlock();
      leading.set(false);
      handOver();
    }
  }

  private boolean pollUntil(@Nullable WorkRequest request, long limitNs) {
    long startNs = 0;
    long idleSinceNs = 0;
    int polls = 0;
    while (true) {
      int events = queuePair.poll(responses, EVENTS_AT_ONCE);
      if (request == null ? engine.hasRoom() : request.isDone()) {
        return true;
      }
      if (wanting.get() != 0) {
        letOthersIn();
      }
      if (events != 0) {
        idleSinceNs = 0;
        noteMoved(events);
      }
      boolean sleepsAtOnce = hotNs == 0 && events == 0;
      if (++polls % POLLS_PER_CLOCK != 0 && !sleepsAtOnce) {
        Thread.onSpinWait();
        continue;
      }
      long nowNs = System.nanoTime();
      engine.tick(nowNs);
      startNs = startNs == 0 ? nowNs : startNs;
      long leftNs = limitNs - (nowNs - startNs);
      if (leftNs <= 0 || Thread.currentThread().isInterrupted()) {
        return false;
      }
      idleSinceNs = idleSinceNs == 0 ? nowNs : idleSinceNs;
      if (events == 0 && nowNs - idleSinceNs >= hotNs) {
        block(Math.min(leftNs, SessionEngine.TICK_NS));
      }
    }
  }

  /** Bytes of a large write moved, without a message yet: a sign of life all the same. */
  private void noteMoved(int events) {
    if (events < 0) {
      engine.heard();
    }
  }

  private void block(long limitNs) {
    warmWaits++;
    blocked = true;
    if (wanting.get() == 0) {
      queuePair.await(limitNs);
    }
    blocked = false;
  }

  /** Gives the lock away until those who asked for it have had it. */
  private void letOthersIn() {
    lock.unlock();
    for (int spins = 0; wanting.get() != 0 && spins < TRIES_BEFORE_QUEUEING; spins++) {
      Thread.onSpinWait();
    }
    lock.lock();
  }

  /** Finds a next leader, where threads wait and none leads. */
  private void handOver() {
    if (leading.get()) {
      return;
    }
    if (followers.get() > 0) {
      for (int slot = 0; slot < engine.inFlight().capacity(); slot++) {
        @Nullable WorkRequest request = engine.inFlight().live(slot);
        @Nullable Thread waiter = request == null ? null : request.waiter;
        if (waiter != null && waiter != Thread.currentThread()) {
          LockSupport.unpark(waiter);
          return;
        }
      }
      @Nullable Thread waiter = roomWaiters.peek();
      if (waiter != null && waiter != Thread.currentThread()) {
        LockSupport.unpark(waiter);
        return;
      }
    }
    if (engine.wantsPolling()) {
      wakeSessionThread();
    }
  }

  /** A slot or a place in the ring is free again. */
  void roomMade() {
    if (roomWaiting > 0) {
      LockSupport.unpark(roomWaiters.peek());
    }
  }

  /** The session is lost: everyone looks again. */
  void allChanged() {
    roomWaiters.forEach(LockSupport::unpark);
    wakeSessionThread();
  }

  // The session's thread.

  void setSessionThread(Thread thread) {
    sessionThread = thread;
  }

  void wakeSessionThread() {
    @Nullable Thread thread = sessionThread;
    if (thread != null && thread != Thread.currentThread()) {
      LockSupport.unpark(thread);
    }
  }

  /** A caller waits: the session's thread leaves the turn to it. */
  private void interruptSessionThread() {
    if (sessionThreadLeads) {
      queuePair.wakeup();
    }
  }

  /** Leads while futures wait or bulk moves, and no caller does; for the session's thread. */
  void leadForNobody() {
    if (!engine.wantsPolling() || followers.get() > 0 || !leading.compareAndSet(false, true)) {
      return;
    }
    sessionThreadLeads = true;
    lock.lock();
    try {
      while (engine.wantsPolling() && followers.get() == 0 && engine.loss() == null) {
        int events = queuePair.poll(responses, EVENTS_AT_ONCE);
        if (wanting.get() != 0) {
          letOthersIn();
        }
        engine.tick(System.nanoTime());
        if (engine.hasEnded()) {
          return;
        }
        if (events == 0) {
          block(SessionEngine.TICK_NS);
        }
        noteMoved(events);
      }
    } finally {
      sessionThreadLeads = false;
      lock.unlock();
      leading.set(false);
      handOver();
    }
  }

  /** One look at the connection when nobody polls: has the peer gone, is something due? */
  void lookAfter(long nowNs) {
    engine.tellTime(nowNs);
    if (!lock.tryLock()) {
      return;
    }
    try {
      noteMoved(queuePair.poll(responses, EVENTS_AT_ONCE));
      engine.tick(nowNs);
    } finally {
      lock.unlock();
    }
  }
}
