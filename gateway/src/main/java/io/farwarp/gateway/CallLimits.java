package io.farwarp.gateway;

/**
 * How many calls may be open at a time: each has a virtual thread, or a stream that waits.
 *
 * @param anyone of all who show no credential, together: health checks and reflection
 * @param agent of one agent credential, which many executors may share
 * @param other of one tenant or operator
 */
public record CallLimits(int anyone, int agent, int other) {
  public static final CallLimits DEFAULT = new CallLimits(1_024, 40_000, 8_192);
}
