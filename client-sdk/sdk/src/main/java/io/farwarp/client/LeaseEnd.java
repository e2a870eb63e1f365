package io.farwarp.client;

import io.farwarp.v1.LeaseState;
import io.farwarp.wire.Status;

/** How and why a lease ended. */
public record LeaseEnd(LeaseState state, String reason) {

  /** What a session of the lease ends with. */
  public Status status() {
    return switch (state) {
      case RELEASED -> Status.LEASE_RELEASED;
      case EXPIRED -> Status.LEASE_EXPIRED;
      case REVOKED -> Status.LEASE_REVOKED;
      case LOST, FAILED -> Status.WORKER_LOST;
      case QUEUED, PREPARING, ACTIVE, LEASE_STATE_UNSPECIFIED, UNRECOGNIZED -> Status.INTERNAL;
    };
  }

  static boolean isEnd(LeaseState state) {
    return switch (state) {
      case RELEASED, EXPIRED, REVOKED, LOST, FAILED -> true;
      case QUEUED, PREPARING, ACTIVE, LEASE_STATE_UNSPECIFIED, UNRECOGNIZED -> false;
    };
  }
}
