package io.farwarp.executor.device;

import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import io.farwarp.v1.DeviceClass;
import java.lang.foreign.MemorySegment;

/**
 * What the kernels of one worker run on. A device serves one lease, and therefore one window.
 *
 * <p>Threads: {@link #load} may be called by any thread, also while invocations run; the rest by
 * one thread at a time.
 */
public interface Device extends AutoCloseable {
  DeviceClass deviceClass();

  /** The honest name, as people see it: {@code PTX CPU device (no GPU)}. */
  String name();

  /**
   * Makes the window reachable for kernels; once, before any invocation runs. A device that kernels
   * reach it from directly maps or pins it; one that cannot keeps a copy at the same offsets in its
   * own memory, and then copies belong to an invocation and are told in its timings. The window
   * outlives the device.
   */
  void attachWindow(MemorySegment window) throws DeviceException;

  /**
   * Loads and compiles a function, and checks its manifest against the code.
   *
   * @throws DeviceException with {@link io.farwarp.wire.Status#NO_BINARY_FOR_DEVICE} or {@link
   *     io.farwarp.wire.Status#UNSUPPORTED_CODE}; the message names the module, kernel or line
   */
  DeviceModule load(FunctionPackage functionPackage, FunctionSpec spec) throws DeviceException;

  /**
   * A stream of invocations, run in the order in which they are posted.
   *
   * @param ended called without blocking, on any thread, when {@link DeviceStream#poll} has
   *     something new that did not end within {@link DeviceStream#post}; by a stream that {@link
   *     DeviceStream#movesByPolling} only after {@link DeviceStream#arm}
   */
  DeviceStream openStream(Runnable ended) throws DeviceException;

  /** After every stream and module is closed. */
  @Override
  void close();
}
