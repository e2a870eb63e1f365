package io.farwarp.executor.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.farwarp.v1.CudaGpu;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.DeviceReport;
import io.farwarp.v1.HostProbe;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

final class AgentDeviceTest {
  @Test
  void gpus_are_reported_as_the_probe_found_them() {
    HostProbe probe =
        HostProbe.newBuilder()
            .addGpus(gpu("NVIDIA A100", 80))
            .addGpus(gpu("NVIDIA H100", 90))
            .build();
    List<DeviceReport> reports =
        AgentDevice.ofGpus(probe, Path.of("/cache")).stream().map(AgentDevice::report).toList();
    assertEquals(
        List.of(report("cuda-0", "NVIDIA A100", 80), report("cuda-1", "NVIDIA H100", 90)), reports);
  }

  private static CudaGpu gpu(String name, int computeCapability) {
    return CudaGpu.newBuilder()
        .setUuid("GPU-" + computeCapability)
        .setName(name)
        .setComputeCapability(computeCapability)
        .setMemoryBytes(1L << 36)
        .setMultiprocessors(108)
        .build();
  }

  private static DeviceReport report(String id, String name, int computeCapability) {
    return DeviceReport.newBuilder()
        .setDeviceId(id)
        .setDeviceClass(DeviceClass.CUDA)
        .setName(name)
        .setMemoryBytes(1L << 36)
        .setComputeUnits(108)
        .setComputeCapability(computeCapability)
        .build();
  }
}
