package io.farwarp.rdma.provider;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The threads of one listener's handshakes: at most {@link #MAX_AT_ONCE}, each with {@link
 * #TIMEOUT_NS}. An acceptor takes a place before it accepts, so that connections beyond the limit
 * wait in the kernel's queue.
 */
public final class HandshakeThreads {
  public static final int MAX_AT_ONCE = 16;

  /** What a silent peer may cost: one place for this long. */
  public static final long TIMEOUT_NS = 5_000_000_000L;

  private final Semaphore places = new Semaphore(MAX_AT_ONCE);
  private final ThreadGroup group;
  private final String name;

  public HandshakeThreads(String name) {
    this.name = name;
    this.group = new ThreadGroup(name);
  }

  /** Takes a place; false if none came free in {@code timeoutMs}. */
  public boolean takePlace(long timeoutMs) throws InterruptedException {
    return places.tryAcquire(timeoutMs, TimeUnit.MILLISECONDS);
  }

  /** Gives a place back that no handshake uses. */
  public void returnPlace() {
    places.release();
  }

  /** Runs a handshake in the place that the caller took. */
  public void run(Runnable handshake) {
    Runnable inPlace =
        () -> {
          try {
            handshake.run();
          } finally {
            places.release();
          }
        };
    try {
      Thread thread = new Thread(group, inPlace, name);
      thread.setDaemon(true);
      thread.start();
    } catch (OutOfMemoryError e) { // no more threads
      places.release();
      throw e;
    }
  }

  /**
   * Waits for the handshakes under way, which the caller has cancelled; gives up early when called
   * from one of them.
   *
   * @return whether all have ended
   */
  public boolean awaitEnd() throws InterruptedException {
    if (group.equals(Thread.currentThread().getThreadGroup())) {
      return false;
    }
    return places.tryAcquire(MAX_AT_ONCE, TIMEOUT_NS, TimeUnit.NANOSECONDS);
  }
}
