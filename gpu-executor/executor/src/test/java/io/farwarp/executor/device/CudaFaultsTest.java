package io.farwarp.executor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.executor.TestFunctions;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import io.farwarp.v1.DeviceClass;
import io.farwarp.wire.Status;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A fault at each driver call in turn, from opening the device to closing it: nothing hangs,
 * nothing leaks, and the invocation ends once with a status. Needs the simulated CUDA driver.
 */
@Tag("simcuda")
@Tag("full")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class CudaFaultsTest {
  private static final int OUT_OF_MEMORY = 2;
  private static final int UNKNOWN = 999;
  private static final long TENSOR_BYTES = 128 << 10;

  private final SimulatedCuda driver = new SimulatedCuda();

  /**
   * Every function that a whole life of a device calls, with an error that passes and one that
   * stays.
   */
  Stream<Arguments> faults() throws Throwable {
    driver.reset("");
    assertEquals(Status.OK, liveAndDie());
    assertEquals("", driver.takeViolations());
    List<String> functions =
        driver
            .allCalls()
            .lines()
            .map(line -> line.substring(0, line.indexOf(' ')))
            .filter(name -> !name.equals("cuInit") && !name.startsWith("cuGetError"))
            // A driver ends the capture whatever it answers; an injected error does not.
            .filter(name -> !name.equals("cuStreamEndCapture"))
            .toList();
    assertTrue(functions.size() > 30, functions.toString());
    return functions.stream()
        .flatMap(name -> Stream.of(Arguments.of(name, OUT_OF_MEMORY), Arguments.of(name, UNKNOWN)));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void a_call_that_fails_hangs_nothing_and_leaks_nothing(String function, int error)
      throws Throwable {
    driver.reset("fail=%s:1:%d".formatted(function, error));
    try {
      liveAndDie();
    } catch (DeviceException e) {
      assertTrue(String.valueOf(e.getMessage()).contains("(" + error + ")"), e.getMessage());
    }
    driver.reset("");
    assertEquals("", driver.takeViolations());
    assertEquals(Status.OK, liveAndDie());
  }

  /** A device from the beginning to the end; how its invocation ended. */
  private static Status liveAndDie() throws Exception {
    try (Arena arena = Arena.ofShared();
        Device device = Devices.open(DeviceClass.CUDA, 1)) {
      device.attachWindow(arena.allocate(1 << 20, 4096));
      Semaphore ended = new Semaphore(0);
      try (DeviceModule warm = load(device, TestFunctions.VECTOR_ADD);
          DeviceModule addThree = load(device, TestFunctions.ADD_THREE);
          DeviceStream stream = device.openStream(ended::release)) {
        warm.warmUp(TimeUnit.MILLISECONDS.toNanos(1));
        DeviceInvocation first = addThree.newInvocation();
        DeviceInvocation second = addThree.newInvocation();
        bind(first);
        bind(second);
        Status worst = Status.OK;
        for (int call = 0;
            call < 3;
            call++) { // in the third they have the slots of the first, and a graph
          assertEquals(DeviceStream.Posted.QUEUED, stream.post(first, false));
          assertEquals(DeviceStream.Posted.QUEUED, stream.post(second, false));
          assertSame(first, DeviceContract.awaitOldest(stream, ended));
          assertSame(second, DeviceContract.awaitOldest(stream, ended));
          assertNull(stream.poll());
          worst = first.status() == Status.OK ? worst : first.status();
          worst = second.status() == Status.OK ? worst : second.status();
        }
        return worst;
      }
    }
  }

  private static DeviceModule load(Device device, String manifest) throws Exception {
    FunctionPackage functionPackage = TestFunctions.packageOf(manifest);
    return device.load(functionPackage, FunctionSpec.of(functionPackage.manifest()));
  }

  private static void bind(DeviceInvocation invocation) {
    long[] offsets = {0, TENSOR_BYTES, 2 * TENSOR_BYTES, 3 * TENSOR_BYTES};
    long[] lengths = {TENSOR_BYTES, TENSOR_BYTES, TENSOR_BYTES, TENSOR_BYTES};
    assertNull(invocation.bind(new long[4], offsets, lengths));
  }
}
