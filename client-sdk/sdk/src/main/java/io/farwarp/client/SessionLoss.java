package io.farwarp.client;

import io.farwarp.wire.Status;

/** How and why a session ended. */
record SessionLoss(Status status, String reason) {}
