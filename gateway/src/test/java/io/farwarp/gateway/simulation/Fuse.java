package io.farwarp.gateway.simulation;

/**
 * Ends a process in the middle of a turn: it counts what the process does that others see (a
 * transaction of its store, a message), and once it has blown nothing gets out any more.
 */
final class Fuse {
  private long left = Long.MAX_VALUE;
  private boolean blown;

  /** It blows at the {@code count}-th thing from now. */
  void set(long count) {
    left = count;
  }

  boolean isBlown() {
    return blown;
  }

  /** One thing more is done; false: it is not done, for the process is dead. */
  boolean passes() {
    if (blown) {
      return false;
    }
    left--;
    blown = left <= 0;
    return !blown;
  }
}
