package io.farwarp.executor.agent;

import io.farwarp.executor.device.NativeBudget;
import io.farwarp.executor.device.ptx.PtxDevice;
import io.farwarp.v1.CudaGpu;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.DeviceReport;
import io.farwarp.v1.HostProbe;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A device that an agent offers.
 *
 * @param report what the gateway hears of it
 * @param environment what every worker on it finds in its environment
 */
public record AgentDevice(DeviceReport report, Map<String, String> environment) {
  private static final String MPS_PIPES = "CUDA_MPS_PIPE_DIRECTORY";

  /** What the driver takes of a GPU for each process that uses it. */
  private static final long CONTEXT_BYTES = 512L << 20;

  public AgentDevice {
    environment = Map.copyOf(environment);
  }

  /** This host's cores. */
  static AgentDevice ofCores(int threads, long windowMemoryBytes) {
    return new AgentDevice(
        DeviceReport.newBuilder()
            .setDeviceId("ptx-0")
            .setDeviceClass(DeviceClass.PTX_CPU)
            .setName(PtxDevice.NAME)
            .setMemoryBytes(windowMemoryBytes)
            .setComputeUnits(threads)
            .build(),
        Map.of());
  }

  /**
   * The GPUs that a probe has found.
   *
   * @param cache where the driver keeps what it has compiled
   */
  static List<AgentDevice> ofGpus(HostProbe probe, Path cache) {
    List<AgentDevice> devices = new ArrayList<>();
    for (CudaGpu gpu : probe.getGpusList()) {
      Map<String, String> environment = new LinkedHashMap<>();
      environment.put("CUDA_VISIBLE_DEVICES", gpu.getUuid());
      environment.put("CUDA_DEVICE_ORDER", "PCI_BUS_ID");
      // Kernels are on the GPU when a function is prepared, not when it is first called.
      environment.put("CUDA_MODULE_LOADING", "EAGER");
      environment.put("CUDA_CACHE_PATH", cache.toString());
      String libraries = System.getenv("LD_LIBRARY_PATH");
      if (libraries != null) {
        environment.put("LD_LIBRARY_PATH", libraries);
      }
      if (!probe.getMpsPipeDirectory().isEmpty()) {
        environment.put(MPS_PIPES, probe.getMpsPipeDirectory());
      }
      devices.add(
          new AgentDevice(
              DeviceReport.newBuilder()
                  .setDeviceId("cuda-" + devices.size())
                  .setDeviceClass(DeviceClass.CUDA)
                  .setName(gpu.getName())
                  .setMemoryBytes(gpu.getMemoryBytes())
                  .setComputeUnits(gpu.getMultiprocessors())
                  .setComputeCapability(gpu.getComputeCapability())
                  .build(),
              environment));
    }
    return devices;
  }

  String id() {
    return report.getDeviceId();
  }

  /** What a worker may take of a GPU's memory; 0 on a device that has none. */
  long workerBytes(long windowBytes) {
    return report.getDeviceClass() == DeviceClass.CUDA
        ? windowBytes + NativeBudget.limitBytes(windowBytes) + CONTEXT_BYTES
        : 0;
  }

  /**
   * The environment of a worker that has a share of the device, which MPS enforces where it runs.
   *
   * @param shareMillis thousandths, 1 to 1000
   */
  Map<String, String> environment(int shareMillis) {
    if (!environment.containsKey(MPS_PIPES)) {
      return environment;
    }
    Map<String, String> limited = new LinkedHashMap<>(environment);
    limited.put("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE", String.valueOf(Math.max(1, shareMillis / 10)));
    return limited;
  }
}
