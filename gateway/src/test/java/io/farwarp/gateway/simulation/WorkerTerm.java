package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.MS;

import io.farwarp.v1.ExtendLease;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.PrepareLease;

/**
 * How long a lease lasts for its worker, which maps the gateway's times by a moment of which it
 * knows both.
 */
final class WorkerTerm {
  enum Effect {
    ACCEPTED,
    OUTDATED,
    EXPIRED
  }

  private long anchorNs;
  private long anchorUnixMs;
  private int renewal;
  private long deadlineNs;

  WorkerTerm(PrepareLease order, long nowNs) {
    anchorNs = nowNs;
    anchorUnixMs = order.getIssuedAtUnixMs();
    deadlineNs = nowNs + order.getTtlMs() * MS;
  }

  long deadlineNs() {
    return deadlineNs;
  }

  boolean hasPassed(long nowNs) {
    return nowNs >= deadlineNs;
  }

  void set(ExtendLease extend, long nowNs) {
    deadlineNs = nowNs + extend.getTtlMs() * MS;
    anchorNs = nowNs;
    anchorUnixMs = extend.getExpiresAtUnixMs() - extend.getTtlMs();
  }

  Effect accept(LeaseToken token, long nowNs) {
    if (token.getRenewal() < renewal) {
      return Effect.OUTDATED;
    }
    long expiresNs = anchorNs + (token.getExpiresAtUnixMs() - anchorUnixMs) * MS;
    if (nowNs >= expiresNs) {
      return Effect.EXPIRED;
    }
    renewal = token.getRenewal();
    deadlineNs = Math.max(deadlineNs, expiresNs);
    return Effect.ACCEPTED;
  }
}
