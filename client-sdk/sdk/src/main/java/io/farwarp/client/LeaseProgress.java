package io.farwarp.client;

import io.farwarp.v1.LeaseState;
import java.time.Duration;

/**
 * Where a lease request stands.
 *
 * @param place place in the queue while {@link LeaseState#QUEUED}, 1 is next; otherwise 0
 * @param estimate how long it may wait still, going by the last grants; zero: not known
 * @param reason for people; may be empty
 */
public record LeaseProgress(
    String leaseId, LeaseState state, int place, Duration estimate, String reason) {}
