package io.farwarp.gateway.book;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.MINUTES;
import static java.util.concurrent.TimeUnit.SECONDS;

/**
 * The times and sizes that a {@link LeaseBook} keeps to.
 *
 * @param heartbeatNs how often an agent sends a heartbeat; after {@link #MISSED_HEARTBEATS} missed
 *     ones it is silent
 * @param skewNs how much later than the gateway an agent may see a deadline pass
 * @param prepareNs how long an agent may take to prepare a lease
 * @param reattachNs how long a gateway that has restarted waits for the agents of its leases
 * @param graceNs how long a preemptible lease goes on when it was told to end
 * @param queued requests that may wait, of all tenants
 * @param queuedPerTenant requests that may wait, of one tenant
 * @param remembered leases that have ended and are still listed, of all tenants
 * @param rememberedPerTenant leases that have ended and are still listed, of one tenant
 */
public record BookLimits(
    long heartbeatNs,
    long skewNs,
    long prepareNs,
    long reattachNs,
    long graceNs,
    int queued,
    int queuedPerTenant,
    int remembered,
    int rememberedPerTenant) {

  public static final int MISSED_HEARTBEATS = 3;

  /** An executor that is silent for this long and holds nothing is forgotten. */
  static final long FORGET_EXECUTOR_NS = MINUTES.toNanos(10);

  /** Places in the queue are told anew no more often than this. */
  static final long PLACES_NS = SECONDS.toNanos(1);

  static final int EXECUTORS = 20_000;

  public BookLimits {
    if (heartbeatNs < MILLISECONDS.toNanos(10) || heartbeatNs > MINUTES.toNanos(1)) {
      throw new IllegalArgumentException(
          "a heartbeat every " + heartbeatNs + " ns; it takes 10 ms to 60 s");
    }
  }

  public static BookLimits of(long heartbeatNs) {
    return new BookLimits(
        heartbeatNs,
        SECONDS.toNanos(5),
        SECONDS.toNanos(60),
        Math.max(SECONDS.toNanos(15), 10 * heartbeatNs),
        SECONDS.toNanos(10),
        100_000,
        1_000,
        10_000,
        1_000);
  }

  /** How long a lease that is granted now may be held at most unless it is renewed. */
  long holdNs(LeaseSpec spec) {
    return prepareNs + spec.durationNs() + skewNs;
  }

  long silenceNs() {
    return MISSED_HEARTBEATS * heartbeatNs;
  }
}
