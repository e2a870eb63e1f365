package io.farwarp.executor.device.cuda;

import io.farwarp.executor.device.DeviceException;
import io.farwarp.wire.Status;
import jcuda.driver.JCudaDriver;

/**
 * A module that the driver has loaded.
 *
 * @param bytes what it takes of the worker's budget
 */
record LoadedModule(Handles.Module handle, long bytes) {
  /*
   * The driver does not say what a module takes; the GPU's free memory does, before and after. What
   * the driver takes for itself at a first load, and other processes meanwhile, counts there too, so
   * what looks like much is measured again, and the least counts.
   */
  private static final long MUCH_BYTES = 16L << 20;
  private static final int MEASUREMENTS = 3;

  /** Loads the module once. */
  interface Loader {
    Handles.Module load() throws DeviceException;
  }

  /**
   * Loads a module and takes its memory from the device's budget.
   *
   * @param leastBytes what its code takes at least
   * @param name for the message if the budget has not so much
   */
  static LoadedModule load(CudaDevice device, long leastBytes, String name, Loader loader)
      throws DeviceException {
    long bytes = Long.MAX_VALUE;
    for (int left = MEASUREMENTS; ; left--) {
      long beforeBytes = freeBytes(device);
      Handles.Module handle = loader.load();
      boolean isKept = false;
      try {
        bytes = Math.min(bytes, Math.max(leastBytes, beforeBytes - freeBytes(device)));
        boolean isMeasured = bytes <= MUCH_BYTES || left == 1;
        if (isMeasured && !device.budget().take(bytes)) {
          throw new DeviceException(
              Status.RESOURCE_EXHAUSTED,
              "%s: the module's variables take %s".formatted(name, device.budget().refusal(bytes)));
        }
        isKept = isMeasured;
      } finally {
        if (!isKept) {
          unload(handle);
        }
      }
      if (isKept) {
        return new LoadedModule(handle, bytes);
      }
    }
  }

  private static long freeBytes(CudaDevice device) throws DeviceException {
    long[] free = new long[1];
    device.check(JCudaDriver.cuMemGetInfo(free, new long[1]), "cuMemGetInfo");
    return free[0];
  }

  /** Unloads it and gives its memory back. */
  void unload(CudaDevice device) {
    unload(handle);
    device.budget().give(bytes);
  }

  private static void unload(Handles.Module handle) {
    CudaErrors.warn(JCudaDriver.cuModuleUnload(handle), "cuModuleUnload");
  }
}
