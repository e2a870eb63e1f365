package io.farwarp.executor.worker;

import io.farwarp.executor.device.DeviceInvocation;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import org.jspecify.annotations.Nullable;

/**
 * A reusable place for one INVOKE or PULL of a session, from its arrival to its COMPLETION. Owned
 * by the polling thread.
 */
final class Invocation {
  /** Its COMPLETION is sent, or waits for nothing but room. */
  boolean isAnswered = true;

  /** The device's stream has it. */
  boolean isOnDevice;

  int slot;
  long id;
  long arrivedNs;
  long deadlineNs;

  /** The arguments, by position. For a tensor: where in the window, and how much. */
  int argumentCount;

  final long[] scalarBits = new long[Wire.MAX_ARGUMENTS];
  final long[] offsetsBytes = new long[Wire.MAX_ARGUMENTS];
  final long[] lengthsBytes = new long[Wire.MAX_ARGUMENTS];

  /** The client's region that a tensor goes back to, or {@link #NOT_RETURNED}. */
  final int[] returnRegions = new int[Wire.MAX_ARGUMENTS];

  final long[] returnOffsetsBytes = new long[Wire.MAX_ARGUMENTS];
  static final int NOT_RETURNED = -1;

  /** The next argument to write back when the work is done. */
  int nextReturn;

  /** Why {@link DeviceInvocation#stop} was called; {@link Status#OK} if it was not. */
  Status stopStatus = Status.OK;

  /** Null for a PULL. */
  @Nullable DeviceInvocation device;

  /** What {@link #device} was before, by function number: made once, used again. */
  private @Nullable DeviceInvocation[] prepared = new @Nullable DeviceInvocation[4];

  /** The prepared invocation of {@code function}; allocates the first time only. */
  DeviceInvocation prepared(LoadedFunction function) {
    int index = function.id();
    if (index >= prepared.length) {
      prepared = java.util.Arrays.copyOf(prepared, Math.max(index + 1, 2 * prepared.length));
    }
    DeviceInvocation found = prepared[index];
    if (found == null) {
      found = function.module().newInvocation();
      prepared[index] = found;
    }
    return found;
  }
}
