package io.farwarp.executor.worker;

import io.farwarp.v1.ExtendLease;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.PrepareLease;
import java.util.concurrent.TimeUnit;

/**
 * How long a lease lasts, by this process's monotonic clock. What the gateway says in its own
 * wall-clock time is mapped by a moment of which both times are known, so that the two hosts'
 * clocks are never compared. Any thread.
 */
final class LeaseTerm {
  private long anchorNs;
  private long anchorUnixMs;
  private int renewal;
  private volatile long deadlineNs;

  /** {@code lease} arrived, or counts as having arrived, at {@code nowNs}. */
  LeaseTerm(PrepareLease lease, long nowNs) {
    anchorNs = nowNs;
    anchorUnixMs = lease.getIssuedAtUnixMs();
    deadlineNs = later(nowNs, lease.getTtlMs());
  }

  long deadlineNs() {
    return deadlineNs;
  }

  boolean hasPassed(long nowNs) {
    return nowNs - deadlineNs >= 0;
  }

  /** Milliseconds left, 0 at least. */
  long leftMs(long nowNs) {
    return Math.max(0, TimeUnit.NANOSECONDS.toMillis(deadlineNs - nowNs));
  }

  /** The agent sets the deadline, also back. */
  synchronized void set(ExtendLease extend, long nowNs) {
    deadlineNs = later(nowNs, extend.getTtlMs());
    if (extend.getExpiresAtUnixMs() > 0) {
      anchorNs = nowNs;
      anchorUnixMs = extend.getExpiresAtUnixMs() - extend.getTtlMs();
    }
  }

  /** What a token, whose signature is verified, does to the term. */
  enum Effect {
    /** The deadline lies where the token says, or later. */
    ACCEPTED,
    /** A newer token was accepted before: nothing changed. */
    OUTDATED,
    /** The token had expired: nothing changed. */
    EXPIRED
  }

  /** Moves the deadline to the token's, never back. */
  synchronized Effect accept(LeaseToken token, long nowNs) {
    if (token.getRenewal() < renewal) {
      return Effect.OUTDATED;
    }
    long expiresNs = later(anchorNs, token.getExpiresAtUnixMs() - anchorUnixMs);
    if (nowNs - expiresNs >= 0) {
      return Effect.EXPIRED;
    }
    renewal = token.getRenewal();
    if (expiresNs - deadlineNs > 0) {
      deadlineNs = expiresNs;
    }
    return Effect.ACCEPTED;
  }

  /** The longest that a lease can last is far below this; it keeps sums from overflowing. */
  private static final long MOST_MS = TimeUnit.DAYS.toMillis(366);

  private static long later(long nowNs, long ms) {
    return nowNs + TimeUnit.MILLISECONDS.toNanos(Math.clamp(ms, -MOST_MS, MOST_MS));
  }
}
