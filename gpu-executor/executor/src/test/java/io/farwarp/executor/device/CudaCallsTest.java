package io.farwarp.executor.device;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.farwarp.executor.TestFunctions;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import io.farwarp.v1.DeviceClass;
import io.farwarp.wire.Status;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Which driver calls an invocation makes that has been made before. Needs the simulated CUDA
 * driver, which counts them.
 */
@Tag("simcuda")
final class CudaCallsTest {
  private static final int WARM_UP_CALLS = 12; // more than there are streams, each with its graph
  private static final long LARGE_BYTES = 128 << 10;

  private final SimulatedCuda driver = new SimulatedCuda();
  private final Semaphore ended = new Semaphore(0);
  private Arena arena;
  private MemorySegment window;
  private Device device;
  private DeviceStream stream;

  @BeforeEach
  void start() throws Throwable {
    driver.reset("");
    arena = Arena.ofShared();
    window = arena.allocate(1 << 20, 4096);
    device = Devices.open(DeviceClass.CUDA, 1);
    device.attachWindow(window);
    stream = device.openStream(ended::release);
  }

  @AfterEach
  void stop() throws Throwable {
    stream.close();
    device.close();
    arena.close();
    assertEquals("", driver.takeViolations());
  }

  private DeviceModule load(String manifest) throws Exception {
    FunctionPackage functionPackage = TestFunctions.packageOf(manifest);
    return device.load(functionPackage, FunctionSpec.of(functionPackage.manifest()));
  }

  /** By polling alone. */
  private void run(DeviceInvocation invocation) {
    assertEquals(DeviceStream.Posted.QUEUED, stream.post(invocation, false));
    DeviceInvocation oldest = stream.poll();
    while (oldest == null) {
      Thread.onSpinWait();
      oldest = stream.poll();
    }
    assertSame(invocation, oldest);
    assertEquals(Status.OK, invocation.status(), invocation.detail());
  }

  private Map<String, Long> calls() throws Throwable {
    Map<String, Long> calls = new TreeMap<>();
    driver
        .allCalls()
        .lines()
        .map(line -> line.split(" "))
        .forEach(entry -> calls.put(entry[0], Long.parseLong(entry[1])));
    // One for every 64 polls, so that they depend on how long a kernel takes.
    calls.remove("cuStreamQuery");
    return calls;
  }

  private Map<String, Long> since(Map<String, Long> before) throws Throwable {
    Map<String, Long> made = calls();
    before.forEach((call, count) -> made.merge(call, -count, Long::sum));
    made.values().removeIf(count -> count == 0);
    return made;
  }

  private Map<String, Long> callsOf(DeviceInvocation invocation) throws Throwable {
    for (int i = 0; i < WARM_UP_CALLS; i++) {
      run(invocation);
    }
    Map<String, Long> before = calls();
    run(invocation);
    return since(before);
  }

  private static DeviceInvocation bound(DeviceModule module, long... lengthsBytes) {
    long[] offsets = new long[lengthsBytes.length];
    for (int i = 1; i < offsets.length; i++) {
      offsets[i] = offsets[i - 1] + lengthsBytes[i - 1];
    }
    DeviceInvocation invocation = module.newInvocation();
    assertNull(invocation.bind(new long[offsets.length], offsets, lengthsBytes));
    return invocation;
  }

  @Test
  void an_empty_kernel_takes_five_driver_calls() throws Throwable {
    try (DeviceModule nothing = load(TestFunctions.NOTHING)) {
      assertEquals(
          Map.of(
              "cuEventRecord", 2L,
              "cuLaunchKernel", 1L,
              "cuStreamWriteValue32", 1L,
              "cuEventElapsedTime", 1L),
          callsOf(bound(nothing)));
    }
  }

  @Test
  void copies_add_one_call_each_and_two_for_each_time_told() throws Throwable {
    try (DeviceModule add = load(TestFunctions.VECTOR_ADD)) {
      assertEquals(
          Map.of(
              "cuEventRecord", 4L,
              "cuMemcpyHtoDAsync", 2L,
              "cuLaunchKernel", 1L,
              "cuMemcpyDtoHAsync", 1L,
              "cuStreamWriteValue32", 1L,
              "cuEventElapsedTime", 3L),
          callsOf(bound(add, LARGE_BYTES, LARGE_BYTES, LARGE_BYTES)));
    }
  }

  @Test
  void a_plan_of_launches_that_repeats_takes_one_launch() throws Throwable {
    try (DeviceModule addThree = load(TestFunctions.ADD_THREE)) {
      assertEquals(
          Map.of(
              "cuEventRecord", 2L,
              "cuGraphLaunch", 1L,
              "cuStreamWriteValue32", 1L,
              "cuEventElapsedTime", 1L),
          callsOf(bound(addThree, 4096, 4096, 4096, 4096)));
    }
  }

  @Test
  void a_thread_that_sleeps_adds_one_event_and_the_wait_for_it() throws Throwable {
    try (DeviceModule hold = load(TestFunctions.HOLD)) {
      DeviceInvocation invocation = bound(hold, 4);
      window.set(JAVA_INT, 0, 1);
      for (int i = 0; i < WARM_UP_CALLS; i++) {
        run(invocation);
      }
      window.set(JAVA_INT, 0, 0);
      Map<String, Long> before = calls();
      assertEquals(DeviceStream.Posted.QUEUED, stream.post(invocation, false));
      stream.arm();
      stream.arm(); // as a thread does that was woken by something else
      JAVA_INT.varHandle().setVolatile(window, 0L, 1);
      assertSame(invocation, DeviceContract.awaitOldest(stream, ended));
      Map<String, Long> made = since(before);
      made.remove("cuEventSynchronize"); // one or two, by when the waiting thread looked
      assertEquals(
          Map.of(
              "cuEventRecord", 3L,
              "cuLaunchKernel", 1L,
              "cuStreamWriteValue32", 1L,
              "cuEventElapsedTime", 1L),
          made);
    }
  }
}
