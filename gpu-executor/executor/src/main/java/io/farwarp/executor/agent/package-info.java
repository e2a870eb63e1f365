/**
 * The executor agent: one for each host. Tells the gateway what the host has, starts a worker
 * process for each slot of a lease, and ends it with the lease.
 */
@NullMarked
package io.farwarp.executor.agent;

import org.jspecify.annotations.NullMarked;
