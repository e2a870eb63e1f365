package io.farwarp.executor.device;

/** Waiting for a device's own thread to end. */
public final class ThreadEnd {
  private ThreadEnd() {}

  /**
   * Waits until a thread has ended; an interrupt is kept for later.
   *
   * @param deadlineNs of {@link System#nanoTime}
   * @return false if it runs on then
   */
  public static boolean await(Thread thread, long deadlineNs) {
    boolean interrupted = false;
    try {
      while (thread.isAlive()) {
        long leftNs = deadlineNs - System.nanoTime();
        if (leftNs <= 0) {
          return false;
        }
        try {
          thread.join(Math.max(1, leftNs / 1_000_000));
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      return true;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
