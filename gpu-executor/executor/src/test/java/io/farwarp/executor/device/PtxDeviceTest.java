package io.farwarp.executor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
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
import java.util.concurrent.TimeUnit;
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
  void an_example_that_takes_more_than_a_worker_may_is_not_run() throws Exception {
    FunctionPackage large =
        TestFunctions.packageOf(
            TestFunctions.VECTOR_ADD.replace("\"n\": \"1024\"", "\"n\": \"200000000\""));
    try (Device device = PtxDevice.create(1);
        DeviceModule module = device.load(large, FunctionSpec.of(large.manifest()))) {
      DeviceException refusal = assertThrows(DeviceException.class, () -> module.warmUp(1_000_000));
      assertEquals(Status.RESOURCE_EXHAUSTED, refusal.status());
      assertTrue(
          String.valueOf(refusal.getMessage()).startsWith("the example's tensors take 2400000000"));
    }
  }

  @Test
  void a_running_launch_is_stopped_and_its_place_used_again() throws Exception {
    DeviceModule spin = load(TestFunctions.SPIN);
    DeviceInvocation running = bound(spin, 1);
    assertTrue(post(running));
    running.stop();
    assertSame(running, awaitOldest());
    assertEquals(Status.CANCELLED, running.status());
    assertNull(running.bind(new long[] {0}, new long[1], new long[1]));
    assertTrue(post(running));
    assertSame(running, awaitOldest());
    assertEquals(Status.OK, running.status(), running.detail());
  }

  private DeviceInvocation ran(String manifest, long[] scalars, long[] lengths) throws Exception {
    DeviceInvocation invocation = load(manifest).newInvocation();
    assertNull(invocation.bind(scalars, new long[scalars.length], lengths));
    assertTrue(post(invocation));
    assertSame(invocation, awaitOldest());
    return invocation;
  }

  @Test
  void a_fault_ends_its_invocation_and_nothing_else() throws Exception {
    DeviceInvocation poke = ran(TestFunctions.POKE, new long[] {0, 4096}, new long[] {4096, 0});
    assertEquals(Status.ILLEGAL_ADDRESS, poke.status());
    assertTrue(poke.detail().contains("poke"), poke.detail());
    assertNull(stream.lost());
    assertNull(poke.bind(new long[2], new long[2], new long[] {4096, 0}));
    assertTrue(post(poke));
    assertSame(poke, awaitOldest());
    assertEquals(Status.OK, poke.status(), poke.detail());
    DeviceInvocation tooLittleShared =
        ran(TestFunctions.REVERSE, new long[] {0, 0, -8}, new long[] {400, 0, 0});
    assertEquals(Status.ILLEGAL_ADDRESS, tooLittleShared.status());
  }

  @Test
  void threads_that_wait_for_each_other_in_vain_are_a_device_fault() throws Exception {
    DeviceInvocation invocation =
        ran(TestFunctions.REVERSE, new long[] {0, 1, 0}, new long[] {400, 0, 0});
    assertEquals(Status.DEVICE_FAULT, invocation.status());
    assertTrue(invocation.detail().contains("DEADLOCK"), invocation.detail());
  }

  @Test
  void an_example_that_does_not_end_is_stopped_and_no_error() throws Exception {
    DeviceModule endless =
        load(TestFunctions.SPIN.replace("{\"turns\": \"0\"}", "{\"turns\": \"1\"}"));
    long tookNs = endless.warmUp(TimeUnit.MILLISECONDS.toNanos(50));
    assertTrue(tookNs >= TimeUnit.MILLISECONDS.toNanos(50));
  }

  @Test
  void cuda_without_a_driver_says_what_is_missing() {
    DeviceException refusal =
        assertThrows(DeviceException.class, () -> Devices.open(DeviceClass.CUDA, 1));
    assertTrue(String.valueOf(refusal.getMessage()).startsWith("no CUDA device: "));
  }
}
