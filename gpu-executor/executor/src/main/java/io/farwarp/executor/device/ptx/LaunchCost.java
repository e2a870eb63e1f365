package io.farwarp.executor.device.ptx;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What an invocation of one function is expected to take, from what earlier ones took: a moving
 * average of the time for each CUDA thread. Written by the thread that runs the invocation, read by
 * the one that posts; both see a whole value, perhaps not the newest.
 */
final class LaunchCost {
  /** A launch has a cost of its own, so fewer threads than this count as this many. */
  private static final long LEAST_THREADS = 1024;

  /** Before anything was measured. */
  private static final double UNKNOWN = -1;

  private static final double WEIGHT_OF_NEW = 0.25;

  private static final VarHandle NS_PER_THREAD;

  static {
    try {
      NS_PER_THREAD =
          MethodHandles.lookup().findVarHandle(LaunchCost.class, "nsPerThread", double.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private double nsPerThread = UNKNOWN;

  /** Nanoseconds that {@code threads} CUDA threads should take; {@link Long#MAX_VALUE}: unknown. */
  long expectedNs(long threads) {
    double known = (double) NS_PER_THREAD.getOpaque(this);
    return known < 0 ? Long.MAX_VALUE : (long) (known * Math.max(threads, LEAST_THREADS));
  }

  void measured(long threads, long ns) {
    double latest = (double) ns / Math.max(threads, LEAST_THREADS);
    double known = (double) NS_PER_THREAD.getOpaque(this);
    NS_PER_THREAD.setOpaque(this, known < 0 ? latest : known + (latest - known) * WEIGHT_OF_NEW);
  }
}
