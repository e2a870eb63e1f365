package io.farwarp.gateway;

/**
 * How many calls may be open at a time: each has a virtual thread, or a stream that waits.
 *
 * @param anyone streams of all who show no credential, together: health watches and reflection;
 *     health checks are not counted
 * @param address of those, from one address
 * @param agent of one agent credential, which many executors may share
 * @param other of one tenant or operator
 */
public record CallLimits(int anyone, int address, int agent, int other) {
  public static final CallLimits DEFAULT = new CallLimits(1_024, 16, 40_000, 8_192);
}
