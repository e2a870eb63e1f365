package io.farwarp.executor.agent;

import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * The thread that fetches packages, one after the other, the leases in turn: one that asks for many
 * holds up no other for longer than one package takes.
 */
final class PackageFetches implements AutoCloseable {
  /** What may wait of one lease: two orders of each function that a lease can have. */
  static final int MAX_WAITING_OF_LEASE = 512;

  private final Thread thread;

  /* By lease, in the order of their turns; guarded by this. */
  private final Map<String, Queue<Runnable>> waiting = new LinkedHashMap<>();
  private boolean isClosed;

  PackageFetches() {
    this.thread = Thread.ofPlatform().name("agent-fetch").daemon().unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /**
   * Has {@code fetch} run when it is the lease's turn. Any thread.
   *
   * @return false if {@link #MAX_WAITING_OF_LEASE} of the lease's wait already
   */
  synchronized boolean offer(String leaseId, Runnable fetch) {
    Queue<Runnable> own = waiting.computeIfAbsent(leaseId, id -> new ArrayDeque<>());
    if (own.size() >= MAX_WAITING_OF_LEASE) {
      return false;
    }
    own.add(fetch);
    notifyAll();
    return true;
  }

  private void run() {
    Runnable fetch = next();
    while (fetch != null) {
      fetch.run();
      fetch = next();
    }
  }

  /** The oldest of the lease whose turn it is; null: closed. */
  private synchronized @Nullable Runnable next() {
    while (waiting.isEmpty() && !isClosed) {
      try {
        wait();
      } catch (InterruptedException e) {
        isClosed = true; // nobody interrupts this thread but close()
      }
    }
    if (isClosed) {
      return null;
    }
    Map.Entry<String, Queue<Runnable>> turn = waiting.entrySet().iterator().next();
    Queue<Runnable> own = turn.getValue();
    Runnable fetch = own.remove();
    waiting.remove(turn.getKey());
    if (!own.isEmpty()) {
      waiting.put(turn.getKey(), own);
    }
    return fetch;
  }

  /** Drops what waits and interrupts what runs. */
  @Override
  public void close() {
    synchronized (this) {
      isClosed = true;
      waiting.clear();
    }
    thread.interrupt();
  }
}
