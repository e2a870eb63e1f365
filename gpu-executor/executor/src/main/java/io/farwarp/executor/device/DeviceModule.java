package io.farwarp.executor.device;

import io.farwarp.function.FunctionSpec;

/** A function, loaded on a device. Any thread. */
public interface DeviceModule extends AutoCloseable {
  FunctionSpec spec();

  /**
   * A reusable place for one invocation of this function, to run on streams of the same device.
   * Allocates all that its invocations need.
   */
  DeviceInvocation newInvocation();

  /**
   * Runs the function on memory of its own, never the window's, with the manifest's example until
   * it runs at its full speed or the time is over; does nothing if there is no example. One thread
   * at a time; may run beside invocations.
   *
   * @param limitNs when to stop; a launch that lasts longer is stopped, which is no error
   * @return nanoseconds that it took
   * @throws DeviceException the example cannot be bound, or its launch faulted
   */
  long warmUp(long limitNs) throws DeviceException;

  /** Not while an invocation of it is posted. */
  @Override
  void close();
}
