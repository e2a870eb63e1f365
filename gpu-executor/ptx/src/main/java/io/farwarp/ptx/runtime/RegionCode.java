package io.farwarp.ptx.runtime;

/** The regions of a kernel as methods. Generated classes extend it; one instance serves all. */
public abstract class RegionCode {
  /** The state of a thread that has ended. */
  public static final int EXITED = Integer.MAX_VALUE;

  /**
   * Runs a region for the threads from {@code from} to before {@code to}, each to its next stop,
   * whose number becomes the thread's state.
   *
   * @param selective whether only the threads run whose state says that they are ready for it
   * @return all new states ORed in the low half and ANDed in the high half, so that the halves are
   *     the same when all threads have come to the same stop
   */
  public abstract long run(BlockContext context, int region, int from, int to, boolean selective);
}
