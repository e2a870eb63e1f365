package io.farwarp.executor.device;

import io.farwarp.wire.Status;
import org.jspecify.annotations.Nullable;

/**
 * A reusable place for one invocation of a {@link DeviceModule}: bound, posted, polled, bound
 * again, without allocation. Between {@link DeviceStream#post} and the {@link DeviceStream#poll}
 * that hands it back it belongs to the stream, and only {@link #stop} may be called.
 */
public interface DeviceInvocation {
  /**
   * Takes the arguments. The arrays are indexed by parameter, are read during the call only, and
   * may be longer than there are parameters. Ranges lie inside the window; the caller has checked
   * that.
   *
   * @param scalarBits bits of scalar parameters
   * @param tensorOffsetsBytes where tensor parameters start in the window
   * @param tensorLengthsBytes their lengths
   * @return null, or why the function cannot run with them; {@link #status} is the code for it then
   */
  @Nullable String bind(long[] scalarBits, long[] tensorOffsetsBytes, long[] tensorLengthsBytes);

  /**
   * Asks the posted invocation to end soon with {@link Status#CANCELLED}; no effect on one that has
   * ended.
   *
   * @return true if it had not begun and never will: it touches nothing from now on, though its
   *     turn to be polled comes when those before it have ended
   */
  boolean stop();

  Status status();

  /** Why it did not end with OK, for people; if it did, what its kernels printed. */
  String detail();

  /** {@link System#nanoTime} at the start of its work on the device. */
  long startedNs();

  /**
   * Nanoseconds of copying from the window to the device; 0 where kernels use the window itself.
   */
  long copyInNs();

  long kernelNs();

  /** Nanoseconds of copying from the device to the window. */
  long copyOutNs();
}
