package io.farwarp.executor.worker;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Which of a worker's two threads polls. The one whose turn it is marks the time that it spends in
 * a launch; when that lasts, the other one takes the turn, and with it all that the polling thread
 * owns. Taking over is a happens-before edge from {@link #enterLaunch}.
 */
final class Turn {
  private static final VarHandle STATE;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(Turn.class, "state", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Even while the holder polls, odd while it is in a launch; it only grows. */
  @SuppressWarnings("UnusedVariable") // read and written through STATE
  private long state;

  private volatile @Nullable Thread watching;

  /**
   * The holder: from now on the turn may be taken away; {@code state} to give to the other calls.
   */
  long enterLaunch() {
    long entered = (long) STATE.getOpaque(this) + 1;
    STATE.setRelease(this, entered);
    return entered;
  }

  /** As {@link #enterLaunch}, for a launch so long that the other thread should look soon. */
  long enterLastingLaunch() {
    long entered = enterLaunch();
    LockSupport.unpark(watching);
    return entered;
  }

  /** The other thread, before it waits: {@link #enterLastingLaunch} ends its park. */
  void watch() {
    watching = Thread.currentThread();
  }

  /**
   * The thread that entered: true if it still has the turn; false if it must touch nothing more.
   */
  boolean leaveLaunch(long entered) {
    return STATE.compareAndSet(this, entered, entered + 1);
  }

  /** The other thread: what it sees now. */
  long observe() {
    return (long) STATE.getOpaque(this);
  }

  static boolean isInLaunch(long observed) {
    return (observed & 1) != 0;
  }

  /**
   * The other thread: true if the launch that it observed still runs, and the turn is its own now.
   */
  boolean take(long observed) {
    return STATE.compareAndSet(this, observed, observed + 1);
  }
}
