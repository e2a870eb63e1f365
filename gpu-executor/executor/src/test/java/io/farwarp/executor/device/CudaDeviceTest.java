package io.farwarp.executor.device;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.executor.TestFunctions;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import io.farwarp.v1.DeviceClass;
import io.farwarp.wire.Status;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Needs a GPU with its driver, or the simulated one. */
@Tag("gpu")
final class CudaDeviceTest extends DeviceContract {
  @Override
  Device open() throws DeviceException {
    return Devices.open(DeviceClass.CUDA, 1);
  }

  private DeviceInvocation ran(DeviceInvocation invocation) throws Exception {
    assertTrue(post(invocation));
    assertSame(invocation, awaitOldest());
    assertEquals(Status.OK, invocation.status(), invocation.detail());
    return invocation;
  }

  @Test
  void large_tensors_are_copied_and_the_time_is_told() throws Exception {
    DeviceInvocation invocation = load(TestFunctions.VECTOR_ADD).newInvocation();
    long bytes = 256 << 10;
    assertNull(
        invocation.bind(
            new long[3], new long[] {0, bytes, 2 * bytes}, new long[] {bytes, bytes, bytes}));
    ran(invocation);
    assertTrue(invocation.copyInNs() > 0);
    assertTrue(invocation.kernelNs() > 0);
    assertTrue(invocation.copyOutNs() > 0);
    assertTrue(invocation.startedNs() - System.nanoTime() < 0);
  }

  @Test
  void small_tensors_are_used_where_they_are() throws Exception {
    DeviceInvocation invocation = load(TestFunctions.VECTOR_ADD).newInvocation();
    assertNull(invocation.bind(new long[3], new long[] {0, 256, 512}, new long[] {4, 4, 4}));
    ran(invocation);
    assertEquals(0, invocation.copyInNs());
    assertTrue(invocation.kernelNs() > 0);
    assertEquals(0, invocation.copyOutNs());
  }

  @Test
  void launches_of_a_plan_meet_in_scratch_memory_that_grows() throws Exception {
    DeviceInvocation invocation = load(TestFunctions.ADD_THREE).newInvocation();
    for (long n : new long[] {3, 40_000, 100}) {
      long bytes = 4 * n;
      long[] offsets = {0, 163_840, 327_680, 491_520};
      for (int i = 0; i < n; i++) {
        for (int tensor = 0; tensor < 3; tensor++) {
          window.set(JAVA_FLOAT, offsets[tensor] + 4L * i, (float) Math.pow(10, tensor) * i);
        }
      }
      assertNull(invocation.bind(new long[4], offsets, new long[] {bytes, bytes, bytes, bytes}));
      ran(invocation);
      for (int i = 0; i < n; i++) {
        assertEquals(111f * i, window.get(JAVA_FLOAT, offsets[3] + 4L * i));
      }
    }
  }

  @Test
  void a_plan_that_is_called_again_works_on_what_is_there_then() throws Exception {
    DeviceInvocation invocation = load(TestFunctions.ADD_THREE).newInvocation();
    long bytes = 64 << 10;
    long[] offsets = {0, bytes, 2 * bytes, 3 * bytes};
    long[] lengths = {bytes, bytes, bytes, bytes};
    for (int call = 0; call < 16; call++) {
      boolean turned = call >= 12;
      for (int i = 0; i < bytes / 4; i++) {
        window.set(JAVA_FLOAT, 4L * i, i);
        window.set(JAVA_FLOAT, bytes + 4L * i, 100f * call);
        window.set(JAVA_FLOAT, (turned ? 3 : 2) * bytes + 4L * i, 0.5f);
      }
      if (call == 12) {
        offsets = new long[] {0, bytes, 3 * bytes, 2 * bytes};
      }
      assertNull(invocation.bind(new long[4], offsets, lengths));
      ran(invocation);
      for (int i = 0; i < bytes / 4; i++) {
        assertEquals(
            i + 100f * call + 0.5f, window.get(JAVA_FLOAT, offsets[3] + 4L * i), "call " + call);
      }
    }
  }

  @Test
  void a_plan_of_more_launches_than_a_stream_holds_runs_to_its_end() throws Exception {
    String often =
        TestFunctions.NOTHING.replace(
            "\"block\": [\"1\"]", "\"block\": [\"1\"], \"repeat\": \"5000\"");
    DeviceInvocation invocation = bound(load(often));
    ran(invocation);
    ran(invocation);
  }

  @Test
  void invocations_that_depend_on_each_other_see_each_others_results() throws Exception {
    DeviceModule add = load(TestFunctions.VECTOR_ADD);
    long bytes = 128 << 10;
    int count = 6; // a, b, then a + b, b + (a + b) and so on
    for (int i = 0; i < bytes / 4; i++) {
      window.set(JAVA_FLOAT, 4L * i, 1);
      window.set(JAVA_FLOAT, bytes + 4L * i, 1);
    }
    DeviceInvocation[] chain = new DeviceInvocation[count];
    for (int i = 0; i < count; i++) {
      chain[i] = add.newInvocation();
      long[] offsets = {i * bytes, (i + 1) * bytes, (i + 2) * bytes};
      assertNull(chain[i].bind(new long[3], offsets, new long[] {bytes, bytes, bytes}));
      assertTrue(post(chain[i]));
    }
    for (DeviceInvocation each : chain) {
      assertSame(each, awaitOldest());
      assertEquals(Status.OK, each.status(), each.detail());
    }
    for (int i = 0; i < bytes / 4; i++) {
      assertEquals(21f, window.get(JAVA_FLOAT, (count + 1) * bytes + 4L * i)); // Fibonacci's
    }
  }

  @Test
  void machine_code_for_other_devices_only_is_refused_with_what_there_is() throws Exception {
    FunctionPackage cubin =
        TestFunctions.packageOf(
            TestFunctions.NOTHING.replace(
                "\"kind\": \"PTX\"", "\"kind\": \"CUBIN\", \"architecture\": \"sm_35\""));
    try (Device device = open()) {
      DeviceException refusal =
          assertThrows(
              DeviceException.class, () -> device.load(cubin, FunctionSpec.of(cubin.manifest())));
      assertEquals(Status.NO_BINARY_FOR_DEVICE, refusal.status());
      assertTrue(
          String.valueOf(refusal.getMessage()).contains("kernels.ptx (CUBIN sm_35)"),
          refusal.getMessage());
    }
  }

  @Test
  void an_example_warms_up_and_leaves_the_device_as_it_was() throws Exception {
    DeviceModule module = load(TestFunctions.VECTOR_ADD);
    assertTrue(module.warmUp(TimeUnit.MILLISECONDS.toNanos(20)) > 0);
    assertNull(stream.lost());
  }
}
