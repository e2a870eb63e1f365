package io.farwarp.client;

import io.farwarp.v1.DeviceClass;

/** The class of device that a lease asks for. */
public enum Device {
  /** Any; a GPU before a CPU. */
  ANY(DeviceClass.ANY),
  /** An NVIDIA GPU. */
  CUDA(DeviceClass.CUDA),
  /** PTX compiled for the executor's CPU; no GPU. */
  PTX(DeviceClass.PTX_CPU);

  private final DeviceClass deviceClass;

  Device(DeviceClass deviceClass) {
    this.deviceClass = deviceClass;
  }

  DeviceClass deviceClass() {
    return deviceClass;
  }

  static Device of(DeviceClass deviceClass) {
    return switch (deviceClass) {
      case CUDA -> CUDA;
      case PTX_CPU -> PTX;
      case ANY, DEVICE_CLASS_UNSPECIFIED, UNRECOGNIZED -> ANY;
    };
  }
}
