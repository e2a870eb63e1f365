package io.farwarp.gateway;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.farwarp.wire.Status;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Semaphore;

/**
 * A few turns at a time for each caller, whose other calls wait for one meanwhile. So what all
 * share is busy with one caller for no longer than those few take. Any thread.
 */
final class CallerTurns {
  private static final long WAIT_S = 10;

  private final int most;
  private final String what;

  /** One for each credential that has ever called. */
  private final ConcurrentMap<String, Semaphore> turns = new ConcurrentHashMap<>();

  /** {@code what} names, in the plural, what turns are for. */
  CallerTurns(int most, String what) {
    this.most = most;
    this.what = what;
  }

  /** Waits for a turn, to be given back by {@link #leave}; refuses after a while. */
  void enter(String caller) throws Refusal {
    try {
      if (turns
          .computeIfAbsent(caller, _ -> new Semaphore(most, true))
          .tryAcquire(WAIT_S, SECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Refusal.unavailable("the gateway is shutting down");
    }
    throw Refusal.of(
        Status.RESOURCE_EXHAUSTED,
        "\"%s\" has %d %s under way, which is the limit, and none ended within %d s: try later"
            .formatted(caller, most, what, WAIT_S));
  }

  void leave(String caller) {
    Semaphore semaphore = turns.get(caller);
    if (semaphore == null) {
      throw new IllegalStateException(caller + " leaves and has never entered");
    }
    semaphore.release();
  }
}
