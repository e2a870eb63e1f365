package io.farwarp.rdma.provider;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The threads of one listener: one accepts, and each handshake has its own, at most {@link
 * #MAX_AT_ONCE} of them with {@link #TIMEOUT_NS} each. When all places are taken, who comes next
 * displaces the oldest peer that has not proven itself, of the origin that holds most places: so
 * silent peers keep nobody out, and those of one address not those of another.
 */
public final class Acceptor {
  public static final int MAX_AT_ONCE = 64;

  /** What a silent peer may cost: one place for this long, where nobody else wants it. */
  public static final long TIMEOUT_NS = 10_000_000_000L;

  private static final System.Logger LOG = System.getLogger(Acceptor.class.getName());
  private static final long PAUSE_NS = 100_000_000L;

  /** Where connections come from. */
  public interface Source {
    /** Waits for a connection, or until the listener is closed; null if none came. */
    @Nullable Handshake accept() throws IOException;
  }

  /** One accepted connection. */
  public interface Handshake {
    /** Runs it to its end, in {@code place}; throws nothing. */
    void run(Place place);

    /** Closes the connection: there is no thread for it. */
    void discard();

    /** Makes {@link #run} fail soon; any thread, not after {@link Place#settle}. */
    void displace();

    /** Whom a peer's places are counted for: its address. */
    Object origin();
  }

  /** The right of one handshake to go on. */
  public final class Place {
    private final Handshake handshake;
    private boolean settled;
    private boolean displaced;

    private Place(Handshake handshake) {
      this.handshake = handshake;
    }

    /**
     * From now on the connection is displaced no more: its peer is proven, or it is over.
     * Idempotent.
     */
    public void settle() {
      lock.lock();
      try {
        settled = true;
      } finally {
        lock.unlock();
      }
    }
  }

  private final String name;
  private final Source source;
  private final ThreadGroup group;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** In the order of arrival. */
  private final Set<Place> places = new LinkedHashSet<>();

  private boolean accepting;
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
  public void start() {
    lock.lock();
    try {
      if (accepting || stopped) {
        throw new IllegalStateException("a listener starts once, and not after it was closed");
      }
      accepting = true;
    } finally {
      lock.unlock();
    }
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
        acceptOne();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      acceptsNoMore();
    }
  }

  private void acceptsNoMore() {
    lock.lock();
    try {
      accepting = false;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void acceptOne() throws InterruptedException {
    Handshake handshake = null;
    Place place = null;
    boolean handedOver = false;
    try {
      handshake = source.accept();
      place = handshake == null ? null : take(handshake);
      if (place != null) {
        thread(inPlace(place)).start();
        handedOver = true;
      }
    } catch (IOException | OutOfMemoryError e) { // no descriptor, or no thread
      if (!stopped) {
        LOG.log(Level.WARNING, name + ": cannot take a connection", e);
        pause();
      }
    } finally {
      if (!handedOver) {
        if (handshake != null) {
          handshake.discard();
        }
        if (place != null) {
          free(place);
        }
      }
    }
  }

  /**
   * Until a handshake has ended, or for a moment: nothing tells when there is a descriptor again.
   */
  private void pause() throws InterruptedException {
    lock.lock();
    try {
      int held = places.size();
      long leftNs = PAUSE_NS;
      while (!stopped && places.size() == held && leftNs > 0) {
        leftNs = changed.awaitNanos(leftNs);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Null: the listener was stopped meanwhile. */
  private @Nullable Place take(Handshake handshake) throws InterruptedException {
    lock.lock();
    try {
      while (!stopped && places.size() >= MAX_AT_ONCE) {
        displaceOne();
        changed.await();
      }
      if (stopped) {
        return null;
      }
      Place place = new Place(handshake);
      places.add(place);
      return place;
    } finally {
      lock.unlock();
    }
  }

  /** With the lock. Nothing happens while one that was displaced is on its way out. */
  private void displaceOne() {
    Map<Object, Integer> counts = new HashMap<>();
    Map<Object, Place> oldest = new HashMap<>();
    Place victim = null;
    int most = 0;
    for (Place place : places) {
      if (place.displaced) {
        return;
      }
      if (!place.settled) {
        Object origin = place.handshake.origin();
        int count = counts.merge(origin, 1, Integer::sum);
        Place first = oldest.computeIfAbsent(origin, _ -> place);
        if (count > most) {
          most = count;
          victim = first;
        }
      }
    }
    if (victim != null) {
      victim.displaced = true;
      victim.handshake.displace();
    }
  }

  private void free(Place place) {
    lock.lock();
    try {
      places.remove(place);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private Runnable inPlace(Place place) {
    return () -> {
      try {
        place.handshake.run(place);
      } finally {
        free(place);
      }
    };
  }

  /**
   * No connection is accepted from now on.
   *
   * @return false if it was stopped before
   */
  public boolean stop() {
    lock.lock();
    try {
      boolean first = !stopped;
      stopped = true;
      changed.signalAll();
      return first;
    } finally {
      lock.unlock();
    }
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
    lock.lock();
    try {
      while (accepting || !places.isEmpty()) {
        long leftNs = deadlineNs - System.nanoTime();
        if (leftNs <= 0) {
          return false;
        }
        try {
          var _ = changed.awaitNanos(leftNs);
        } catch (InterruptedException e) {
          interrupted = true; // They end soon, and use what the caller frees next.
        }
      }
      return true;
    } finally {
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
