package io.farwarp.function;

/**
 * What CUDA allows of any launch, whatever the device (CUDA C++ Programming Guide, "Technical
 * Specifications per Compute Capability"). A device may allow less.
 */
public final class LaunchLimits {
  private LaunchLimits() {}

  public static final long MAX_GRID_X = Integer.MAX_VALUE;
  public static final long MAX_GRID_YZ = 65_535;
  public static final long MAX_BLOCK_XY = 1024;
  public static final long MAX_BLOCK_Z = 64;
  public static final long MAX_BLOCK_THREADS = 1024;

  /** The most that a block can have on any architecture (sm_90: 227 KiB). */
  public static final long MAX_DYNAMIC_SHARED_BYTES = 227 * 1024;

  /** How often one launch of a plan may run in one invocation. */
  public static final long MAX_REPEAT = 1_000_000;

  static long gridLimit(int axis) {
    return axis == 0 ? MAX_GRID_X : MAX_GRID_YZ;
  }

  static long blockLimit(int axis) {
    return axis == 2 ? MAX_BLOCK_Z : MAX_BLOCK_XY;
  }
}
