package io.farwarp.client;

import io.farwarp.v1.LeaseState;
import io.farwarp.wire.Status;
import java.util.Map;

/** How and why a lease ended. */
public record LeaseEnd(LeaseState state, String reason) {
  private static final Map<Status, LeaseState> ENDS =
      Map.of(
          Status.LEASE_RELEASED, LeaseState.RELEASED,
          Status.LEASE_EXPIRED, LeaseState.EXPIRED,
          Status.LEASE_REVOKED, LeaseState.REVOKED,
          Status.WORKER_LOST, LeaseState.FAILED);

  /** What a session of the lease ends with. */
  public Status status() {
    return switch (state) {
      case RELEASED -> Status.LEASE_RELEASED;
      case EXPIRED -> Status.LEASE_EXPIRED;
      case REVOKED -> Status.LEASE_REVOKED;
      case LOST, FAILED -> Status.WORKER_LOST;
      case QUEUED, PREPARING, ACTIVE, EXPIRING, LEASE_STATE_UNSPECIFIED, UNRECOGNIZED ->
          Status.INTERNAL;
    };
  }

  static boolean isEnd(LeaseState state) {
    return switch (state) {
      case RELEASED, EXPIRED, REVOKED, LOST, FAILED -> true;
      case QUEUED, PREPARING, ACTIVE, EXPIRING, LEASE_STATE_UNSPECIFIED, UNRECOGNIZED -> false;
    };
  }

  /** True for a status that a gateway answers with when the lease has ended. */
  static boolean isEnd(Status status) {
    return ENDS.containsKey(status);
  }

  /** What the lease has become, from {@link #isEnd a status that says so}. */
  static LeaseState state(Status status) {
    return ENDS.getOrDefault(status, LeaseState.FAILED);
  }
}
