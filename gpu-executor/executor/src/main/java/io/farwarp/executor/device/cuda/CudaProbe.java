package io.farwarp.executor.device.cuda;

import io.farwarp.executor.device.DeviceException;
import io.farwarp.v1.CudaGpu;
import io.farwarp.v1.HostProbe;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.JCudaDriver;

/** Finds out which GPUs this host has. Makes no context, and takes nothing of any GPU. */
public final class CudaProbe {
  private static final int MAX_GPUS = 64;
  private static final int MAX_NAME_BYTES = 256;
  private static final int MAX_BUS_ID = 32;

  private CudaProbe() {}

  /** What this process sees, which CUDA's environment variables may limit. Never throws. */
  public static HostProbe probe() {
    try {
      Driver driver = Driver.open();
      HostProbe.Builder found = HostProbe.newBuilder();
      int[] value = new int[1];
      CudaErrors.check(JCudaDriver.cuDriverGetVersion(value), "cuDriverGetVersion");
      found.setCudaVersion(value[0]);
      CudaErrors.check(JCudaDriver.cuDeviceGetCount(value), "cuDeviceGetCount");
      for (int i = 0; i < Math.min(value[0], MAX_GPUS); i++) {
        found.addGpus(gpu(driver, i));
      }
      if (value[0] == 0) {
        return HostProbe.newBuilder().setCudaMissing("the driver shows no GPU").build();
      }
      return found.setMpsPipeDirectory(mpsPipeDirectory()).build();
    } catch (DeviceException e) {
      return HostProbe.newBuilder().setCudaMissing(String.valueOf(e.getMessage())).build();
    }
  }

  private static CudaGpu gpu(Driver driver, int ordinal) throws DeviceException {
    CUdevice device = new CUdevice();
    CudaErrors.check(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet");
    long[] bytes = new long[1];
    CudaErrors.check(JCudaDriver.cuDeviceTotalMem(bytes, device), "cuDeviceTotalMem");
    String[] bus = new String[1];
    CudaErrors.check(
        JCudaDriver.cuDeviceGetPCIBusId(bus, MAX_BUS_ID, device), "cuDeviceGetPCIBusId");
    String name = name(device);
    return CudaGpu.newBuilder()
        .setUuid(uuid(driver.uuid(ordinal), name))
        .setName(name)
        .setComputeCapability(
            10 * attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                + attribute(
                    device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR))
        .setMemoryBytes(bytes[0])
        .setMultiprocessors(
            attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT))
        .setClockKhz(attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_CLOCK_RATE))
        .setPciBusId(bus[0] == null ? "" : bus[0])
        .setGpudirectRdma(
            attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_SUPPORTED)
                != 0)
        .setHostRegister(
            attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED) != 0)
        .build();
  }

  static String name(CUdevice device) throws DeviceException {
    byte[] bytes = new byte[MAX_NAME_BYTES];
    CudaErrors.check(JCudaDriver.cuDeviceGetName(bytes, bytes.length, device), "cuDeviceGetName");
    int length = 0;
    while (length < bytes.length && bytes[length] != 0) {
      length++;
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }

  static int attribute(CUdevice device, int attribute) throws DeviceException {
    int[] value = new int[1];
    CudaErrors.check(
        JCudaDriver.cuDeviceGetAttribute(value, attribute, device),
        "cuDeviceGetAttribute " + attribute);
    return value[0];
  }

  /** As nvidia-smi writes it; the driver puts MIG into the name of a MIG instance. */
  private static String uuid(byte[] bytes, String name) {
    String digits = HexFormat.of().formatHex(bytes);
    return "%s-%s-%s-%s-%s-%s"
        .formatted(
            name.contains(" MIG ") ? "MIG" : "GPU",
            digits.substring(0, 8),
            digits.substring(8, 12),
            digits.substring(12, 16),
            digits.substring(16, 20),
            digits.substring(20));
  }

  private static String mpsPipeDirectory() {
    String set = System.getenv("CUDA_MPS_PIPE_DIRECTORY");
    Path directory = Path.of(set == null || set.isEmpty() ? "/tmp/nvidia-mps" : set);
    return Files.exists(directory.resolve("control")) ? directory.toString() : "";
  }
}
