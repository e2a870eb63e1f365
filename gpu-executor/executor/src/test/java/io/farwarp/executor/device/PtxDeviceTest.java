package io.farwarp.executor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.executor.TestFunctions;
import io.farwarp.executor.device.ptx.PtxDevice;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import io.farwarp.v1.DeviceClass;
import io.farwarp.wire.Status;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

final class PtxDeviceTest extends DeviceContract {
  @Override
  Device open() throws DeviceException {
    return Devices.open(DeviceClass.PTX_CPU, 2);
  }

  @Test
  void its_name_says_that_it_is_no_gpu() throws Exception {
    try (Device device = open()) {
      assertEquals("PTX CPU device (no GPU)", device.name());
      assertEquals(DeviceClass.PTX_CPU, device.deviceClass());
    }
  }

  @Test
  void a_package_without_ptx_is_refused_with_what_it_holds() throws Exception {
    FunctionPackage cubin =
        TestFunctions.packageOf(
            TestFunctions.NOTHING.replace(
                "\"kind\": \"PTX\"", "\"kind\": \"CUBIN\", \"architecture\": \"sm_90\""));
    try (Device device = PtxDevice.create(1)) {
      DeviceException refusal =
          assertThrows(
              DeviceException.class, () -> device.load(cubin, FunctionSpec.of(cubin.manifest())));
      assertEquals(Status.NO_BINARY_FOR_DEVICE, refusal.status());
      assertTrue(String.valueOf(refusal.getMessage()).contains("kernels.ptx (CUBIN sm_90)"));
    }
  }

  @Test
  void a_fatbin_of_cubins_is_refused_with_their_architectures() throws Exception {
    ByteBuffer fatbin = ByteBuffer.allocate(16 + 64 + 8).order(ByteOrder.LITTLE_ENDIAN);
    fatbin.putInt(0xBA55ED50).putShort((short) 1).putShort((short) 16).putLong(64 + 8);
    fatbin.putShort((short) 2).putShort((short) 0x101).putInt(64).putLong(8).putInt(16 + 28, 90);
    FunctionPackage cubins =
        TestFunctions.packageOf(
            TestFunctions.NOTHING.replace("\"kind\": \"PTX\"", "\"kind\": \"FATBIN\""),
            fatbin.array());
    try (Device device = PtxDevice.create(1)) {
      DeviceException refusal =
          assertThrows(
              DeviceException.class, () -> device.load(cubins, FunctionSpec.of(cubins.manifest())));
      assertEquals(Status.NO_BINARY_FOR_DEVICE, refusal.status());
      assertTrue(String.valueOf(refusal.getMessage()).contains("kernels.ptx (FATBIN sm_90)"));
    }
  }

  @Test
  void cuda_without_a_driver_says_what_is_missing() {
    DeviceException refusal =
        assertThrows(DeviceException.class, () -> Devices.open(DeviceClass.CUDA, 1));
    assertTrue(String.valueOf(refusal.getMessage()).startsWith("no CUDA device: "));
  }
}
