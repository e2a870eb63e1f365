package io.farwarp.client;

import java.time.Duration;

/**
 * Where the time of one invocation went, in nanoseconds. The first four are the worker's.
 *
 * @param queueNs from arrival at the worker to the start of the launch
 * @param copyInNs host to device, where the device has memory of its own
 * @param kernelNs the launches
 * @param copyOutNs device to host, and the writes of outputs to the client
 * @param totalNs from the post until this side noticed the completion, which is later where nobody
 *     waited for it; 0 for a prepared invocation
 */
public record Timings(long queueNs, long copyInNs, long kernelNs, long copyOutNs, long totalNs) {

  public Duration queue() {
    return Duration.ofNanos(queueNs);
  }

  public Duration copyIn() {
    return Duration.ofNanos(copyInNs);
  }

  public Duration kernel() {
    return Duration.ofNanos(kernelNs);
  }

  public Duration copyOut() {
    return Duration.ofNanos(copyOutNs);
  }

  public Duration total() {
    return Duration.ofNanos(totalNs);
  }

  /**
   * What the worker does not account for: mostly the pushes of inputs and the way of the messages.
   */
  public Duration wire() {
    long ns = totalNs - queueNs - copyInNs - kernelNs - copyOutNs;
    return Duration.ofNanos(Math.max(0, ns));
  }
}
