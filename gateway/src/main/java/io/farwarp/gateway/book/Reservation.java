package io.farwarp.gateway.book;

/**
 * That an executor is to have room for a request that waits.
 *
 * @param fromNs when it will have, if each lease that is held there ends at its deadline
 */
record Reservation(Lease request, long fromNs) {}
