package io.farwarp.client;

import java.time.Duration;
import java.util.Optional;

/**
 * How a session is opened. Immutable; each method returns a changed copy.
 *
 * @param worker slot within the lease, from 0
 * @param transport "shm", "tcp", "verbs", or "auto": shared memory where the executor is on this
 *     host and its socket can be reached, otherwise the first other one that both sides have
 * @param hot how long an awaiting thread spins before it blocks; empty: the lease's hot time, but
 *     at least {@link #LEAST_HOT}
 * @param deadline what a call gets that names none
 * @param openTimeout limit for connecting, for each transport that is tried
 */
public record SessionOptions(
    int worker, String transport, Optional<Duration> hot, Duration deadline, Duration openTimeout) {

  public static final String AUTO = "auto";

  /** About one futex round trip: spinning for less costs more than it saves. */
  public static final Duration LEAST_HOT = Duration.ofNanos(25_000);

  /** The most that any call may take; it keeps sums of times from overflowing too. */
  public static final Duration MAX_DEADLINE = Duration.ofHours(24);

  static final long MAX_DEADLINE_NS = MAX_DEADLINE.toNanos();

  public SessionOptions {
    if (worker < 0) {
      throw new IllegalArgumentException("worker " + worker + "; workers count from 0");
    }
    checkDeadline(deadline);
  }

  static void checkDeadline(Duration deadline) {
    if (deadline.compareTo(Duration.ZERO) <= 0 || deadline.compareTo(MAX_DEADLINE) > 0) {
      throw new IllegalArgumentException(
          "deadline of " + deadline + "; it takes more than 0 and at most " + MAX_DEADLINE);
    }
  }

  static IllegalArgumentException deadlineError(long timeoutNs) {
    return new IllegalArgumentException(
        "a time-out of %d ns; it takes 1 to %d".formatted(timeoutNs, MAX_DEADLINE_NS));
  }

  /** Worker 0 over the best data path; calls may take a minute. */
  public static SessionOptions defaults() {
    return new SessionOptions(
        0, AUTO, Optional.empty(), Duration.ofMinutes(1), Duration.ofSeconds(10));
  }

  /** {@link #defaults} over {@code transport}. */
  public static SessionOptions transport(String transport) {
    return defaults().over(transport);
  }

  public SessionOptions over(String wanted) {
    return new SessionOptions(worker, wanted, hot, deadline, openTimeout);
  }

  public SessionOptions worker(int index) {
    return new SessionOptions(index, transport, hot, deadline, openTimeout);
  }

  public SessionOptions hot(Duration spin) {
    return new SessionOptions(worker, transport, Optional.of(spin), deadline, openTimeout);
  }

  public SessionOptions deadline(Duration limit) {
    return new SessionOptions(worker, transport, hot, limit, openTimeout);
  }

  public SessionOptions openTimeout(Duration limit) {
    return new SessionOptions(worker, transport, hot, deadline, limit);
  }
}
