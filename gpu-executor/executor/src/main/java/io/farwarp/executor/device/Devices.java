package io.farwarp.executor.device;

import io.farwarp.executor.device.ptx.PtxDevice;
import io.farwarp.v1.DeviceClass;
import io.farwarp.wire.Status;
import java.nio.file.Files;
import java.nio.file.Path;

/** The devices of this host. */
public final class Devices {
  private static final Path CUDA_DRIVER_NODE = Path.of("/dev/nvidiactl");

  private Devices() {}

  /**
   * The device of {@code wanted} class.
   *
   * @param computeThreads threads that may run blocks, on a device that uses this host's cores
   * @throws DeviceException this host has none, in one line that says what is missing
   */
  public static Device open(DeviceClass wanted, int computeThreads) throws DeviceException {
    return switch (wanted) {
      case PTX_CPU, ANY, DEVICE_CLASS_UNSPECIFIED -> PtxDevice.create(computeThreads);
      case CUDA ->
          throw new DeviceException(
              Status.NO_BINARY_FOR_DEVICE, "no CUDA device: " + missingCuda());
      case UNRECOGNIZED ->
          throw new DeviceException(
              Status.INVALID_ARGUMENT, "a device class that this version does not know");
    };
  }

  private static String missingCuda() {
    return Files.exists(CUDA_DRIVER_NODE)
        ? "an NVIDIA driver is loaded, but this version of Farwarp has no CUDA device; use PTX_CPU"
        : CUDA_DRIVER_NODE + " does not exist (no NVIDIA driver is loaded); use PTX_CPU";
  }
}
