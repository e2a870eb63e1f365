package io.farwarp.executor.worker;

import io.farwarp.v1.LeaseState;
import io.farwarp.wire.Status;

/** Why a worker ends: the lease's state for the agent, and for people. */
record Ending(LeaseState state, String reason) {
  /** What the client is told. */
  Status status() {
    return switch (state) {
      case RELEASED -> Status.LEASE_RELEASED;
      case EXPIRED -> Status.LEASE_EXPIRED;
      case REVOKED -> Status.LEASE_REVOKED;
      case LEASE_STATE_UNSPECIFIED,
          QUEUED,
          PREPARING,
          ACTIVE,
          EXPIRING,
          LOST,
          FAILED,
          UNRECOGNIZED ->
          Status.WORKER_LOST;
    };
  }
}
