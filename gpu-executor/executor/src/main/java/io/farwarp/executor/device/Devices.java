package io.farwarp.executor.device;

import io.farwarp.executor.device.cuda.CudaDevice;
import io.farwarp.executor.device.ptx.PtxDevice;
import io.farwarp.v1.DeviceClass;
import io.farwarp.wire.Status;

/** The devices of this host. */
public final class Devices {
  private Devices() {}

  /** Why no driver for CUDA can be loaded on this host, in one line; empty if one can. */
  public static String cudaMissing() {
    return CudaDevice.missing();
  }

  /**
   * The device of {@code wanted} class.
   *
   * @param computeThreads threads that may run blocks, on a device that uses this host's cores
   * @throws DeviceException this host has none, in one line that says what is missing
   */
  public static Device open(DeviceClass wanted, int computeThreads) throws DeviceException {
    return switch (wanted) {
      case PTX_CPU, ANY, DEVICE_CLASS_UNSPECIFIED -> PtxDevice.create(computeThreads);
      case CUDA -> CudaDevice.open();
      case UNRECOGNIZED ->
          throw new DeviceException(
              Status.INVALID_ARGUMENT, "a device class that this version does not know");
    };
  }
}
