package io.farwarp.rdma.provider;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The threads of one listener: one accepts, and each handshake has its own, at most {@link
 * #MAX_AT_ONCE} of them with {@link #TIMEOUT_NS} each. A place is taken before a connection is
 * accepted, so that connections beyond the limit wait in the kernel's queue.
 */
public final class Acceptor {
  public static final int MAX_AT_ONCE = 16;

  /** What a silent peer may cost: one place for this long. */
  public static final long TIMEOUT_NS = 5_000_000_000L;

  private static final System.Logger LOG = System.getLogger(Acceptor.class.getName());
  private static final long PAUSE_MS = 100;

  /** Where connections come from. */
  public interface Source {
    /** Waits about a second at most, or until the listener is closed; null if none came. */
    @Nullable Handshake accept() throws IOException;
  }

  /** One accepted connection. */
  public interface Handshake {
    /** Runs it to its end; throws nothing. */
    void run();

    /** Closes the connection: there is no thread for it. */
    void discard();
  }

  private final String name;
  private final Source source;
  private final ThreadGroup group;
  private final Semaphore places = new Semaphore(MAX_AT_ONCE);
  private boolean started;
  private volatile boolean stopped;

  /**
   * @param name of the threads
   */
  public Acceptor(String name, Source source) {
    this.name = name;
    this.source = source;
    this.group = new ThreadGroup(name);
  }

  /** Begins to accept; once. */
  public synchronized void start() {
    if (started || stopped) {
      throw new IllegalStateException("a listener starts once, and not after it was closed");
    }
    started = true;
    thread(this::acceptUntilStopped).start();
  }

  private Thread thread(Runnable task) {
    Thread thread = new Thread(group, task, name);
    thread.setDaemon(true);
    return thread;
  }

  private void acceptUntilStopped() {
    try {
      while (!stopped) {
        if (places.tryAcquire(PAUSE_MS, TimeUnit.MILLISECONDS)) {
          acceptOne();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** In a place that the caller has taken. */
  private void acceptOne() throws InterruptedException {
    Handshake handshake = null;
    boolean handedOver = false;
    try {
      handshake = stopped ? null : source.accept();
      if (handshake != null) {
        thread(inPlace(handshake)).start();
        handedOver = true;
      }
    } catch (IOException | OutOfMemoryError e) { // no descriptor, or no thread
      if (handshake != null) {
        handshake.discard();
      }
      if (!stopped) {
        LOG.log(Level.WARNING, name + ": cannot take a connection", e);
        Thread.sleep(PAUSE_MS); // Nothing tells when there is one again.
      }
    } finally {
      if (!handedOver) {
        places.release();
      }
    }
  }

  private Runnable inPlace(Handshake handshake) {
    return () -> {
      try {
        handshake.run();
      } finally {
        places.release();
      }
    };
  }

  /**
   * No connection is accepted from now on.
   *
   * @return false if it was stopped before
   */
  public synchronized boolean stop() {
    boolean first = !stopped;
    stopped = true;
    return first;
  }

  public boolean isStopped() {
    return stopped;
  }

  /**
   * Waits, after {@link #stop}, until nobody accepts and no handshake runs; the caller has
   * cancelled them. Gives up at once when called from a handshake, and after {@link #TIMEOUT_NS}.
   *
   * @return whether all have ended
   */
  public boolean awaitEnd() {
    if (group.equals(Thread.currentThread().getThreadGroup())) {
      return false;
    }
    long deadlineNs = System.nanoTime() + TIMEOUT_NS;
    boolean interrupted = false;
    try {
      while (true) {
        try {
          long leftNs = deadlineNs - System.nanoTime();
          return places.tryAcquire(MAX_AT_ONCE, leftNs, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true; // They end soon, and use what the caller frees next.
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
