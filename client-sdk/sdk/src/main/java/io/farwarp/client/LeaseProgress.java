package io.farwarp.client;

import io.farwarp.v1.LeaseState;

/**
 * Where a lease request stands.
 *
 * @param place place in the queue while {@link LeaseState#QUEUED}, 1 is next; otherwise 0
 * @param reason for people; may be empty
 */
public record LeaseProgress(String leaseId, LeaseState state, int place, String reason) {}
