package io.farwarp.executor.device;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.executor.TestFunctions;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import io.farwarp.wire.Status;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every device does. A device's own test extends this and says how it is opened. */
abstract class DeviceContract {
  private static final long WINDOW_BYTES = 1 << 20;
  private static final int N = 4096;
  private static final long BYTES = 4L * N;
  private static final long[] OFFSETS = {0, 65_536, 131_072};

  private final Semaphore ended = new Semaphore(0);
  private Arena arena;
  private MemorySegment window;
  private Device device;
  private DeviceStream stream;

  abstract Device open() throws DeviceException;

  @BeforeEach
  void start() throws Exception {
    arena = Arena.ofShared();
    window = arena.allocate(WINDOW_BYTES, 4096);
    device = open();
    device.attachWindow(window);
    stream = device.openStream(ended::release);
  }

  @AfterEach
  void stop() {
    stream.close();
    device.close();
    arena.close();
  }

  private DeviceModule load(String manifest) throws Exception {
    return load(manifest, TestFunctions.kernels());
  }

  private DeviceModule load(String manifest, byte[] ptx) throws Exception {
    FunctionPackage functionPackage = TestFunctions.packageOf(manifest, ptx);
    return device.load(functionPackage, FunctionSpec.of(functionPackage.manifest()));
  }

  private DeviceInvocation awaitOldest() throws InterruptedException {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    DeviceInvocation oldest = stream.poll();
    while (oldest == null) {
      assertTrue(System.nanoTime() - deadlineNs < 0, "nothing ended for 20 s");
      ended.tryAcquire(10, TimeUnit.MILLISECONDS);
      oldest = stream.poll();
    }
    return oldest;
  }

  private boolean post(DeviceInvocation invocation) {
    return switch (stream.post(invocation, false)) {
      case FULL -> false;
      case QUEUED -> true;
      case HERE, HERE_AND_LASTING -> {
        stream.runHere(System.nanoTime());
        yield true;
      }
    };
  }

  private static DeviceInvocation bound(DeviceModule module, long... scalars) {
    DeviceInvocation invocation = module.newInvocation();
    long[] lengths = new long[scalars.length];
    assertNull(invocation.bind(scalars, new long[scalars.length], lengths));
    return invocation;
  }

  @Test
  void tensors_of_the_window_are_read_and_written() throws Exception {
    for (int i = 0; i < N; i++) {
      window.set(JAVA_FLOAT, OFFSETS[0] + 4L * i, i);
      window.set(JAVA_FLOAT, OFFSETS[1] + 4L * i, 2 * i);
    }
    DeviceInvocation invocation = load(TestFunctions.VECTOR_ADD).newInvocation();
    assertNull(invocation.bind(new long[3], OFFSETS, new long[] {BYTES, BYTES, BYTES}));
    assertTrue(post(invocation));
    assertSame(invocation, awaitOldest());
    assertEquals(Status.OK, invocation.status(), invocation.detail());
    assertTrue(invocation.kernelNs() > 0);
    for (int i = 0; i < N; i++) {
      assertEquals(3f * i, window.get(JAVA_FLOAT, OFFSETS[2] + 4L * i));
    }
  }

  @Test
  void an_invocation_that_is_bound_again_works_on_what_it_was_bound_to_last() throws Exception {
    DeviceInvocation invocation = load(TestFunctions.VECTOR_ADD).newInvocation();
    long[] lengths = {4, 4, 4};
    long[] elsewhere = {262_144, 65_536, 131_072};
    window.set(JAVA_FLOAT, OFFSETS[1], 10);
    for (int round = 0; round < 4; round++) {
      window.set(JAVA_FLOAT, OFFSETS[0], round);
      window.set(JAVA_FLOAT, elsewhere[0], 100 + round);
      long[] offsets = round < 2 ? OFFSETS : elsewhere; // twice the same, then twice another
      assertNull(invocation.bind(new long[3], offsets, lengths));
      assertTrue(post(invocation));
      assertSame(invocation, awaitOldest());
      assertEquals(Status.OK, invocation.status(), invocation.detail());
      assertEquals(
          10 + round + (round < 2 ? 0 : 100), window.get(JAVA_FLOAT, OFFSETS[2]), "round " + round);
    }
  }

  @Test
  void invocations_end_in_the_order_in_which_they_were_posted() throws Exception {
    DeviceModule spin = load(TestFunctions.SPIN);
    DeviceModule nothing = load(TestFunctions.NOTHING);
    nothing.warmUp(TimeUnit.MILLISECONDS.toNanos(50));
    DeviceInvocation endless = bound(spin, 1);
    Deque<DeviceInvocation> order = new ArrayDeque<>();
    order.add(endless);
    assertTrue(post(endless));
    while (order.size() < DeviceStream.CAPACITY) {
      DeviceInvocation next = bound(nothing);
      assertTrue(post(next));
      order.add(next);
    }
    DeviceInvocation tooMany = bound(nothing);
    assertFalse(post(tooMany));
    assertNull(stream.poll());
    endless.stop();
    while (!order.isEmpty()) {
      assertSame(order.removeFirst(), awaitOldest());
    }
    assertNull(stream.poll());
    assertTrue(post(tooMany));
    assertSame(tooMany, awaitOldest());
  }

  @Test
  void what_is_stopped_before_it_began_never_runs() throws Exception {
    DeviceModule spin = load(TestFunctions.SPIN);
    DeviceInvocation running = bound(spin, 1);
    DeviceInvocation waiting = bound(spin, 1);
    assertTrue(post(running));
    assertTrue(post(waiting));
    assertTrue(waiting.stop());
    running.stop();
    assertSame(running, awaitOldest());
    assertSame(waiting, awaitOldest());
    assertEquals(Status.CANCELLED, running.status());
    assertEquals(Status.CANCELLED, waiting.status());
    assertNull(running.bind(new long[] {0}, new long[1], new long[1]));
    assertTrue(post(running));
    assertSame(running, awaitOldest());
    assertEquals(Status.OK, running.status(), running.detail());
  }

  @Test
  void a_fault_ends_its_invocation_and_nothing_else() throws Exception {
    DeviceModule poke = load(TestFunctions.POKE);
    DeviceInvocation invocation = poke.newInvocation();
    long[] scalars = {0, 1 << 20};
    assertNull(invocation.bind(scalars, new long[2], new long[] {4096, 0}));
    assertTrue(post(invocation));
    assertSame(invocation, awaitOldest());
    assertEquals(Status.ILLEGAL_ADDRESS, invocation.status());
    assertTrue(invocation.detail().contains("poke"), invocation.detail());
    scalars[1] = 0;
    assertNull(invocation.bind(scalars, new long[2], new long[] {4096, 0}));
    assertTrue(post(invocation));
    assertSame(invocation, awaitOldest());
    assertEquals(Status.OK, invocation.status(), invocation.detail());
  }

  private DeviceInvocation reversed(long wait, long extraBytes) throws Exception {
    for (int i = 0; i < 100; i++) {
      window.set(JAVA_INT, OFFSETS[0] + 4L * i, i);
    }
    DeviceInvocation invocation = load(TestFunctions.REVERSE).newInvocation();
    long[] scalars = {0, wait, extraBytes};
    assertNull(invocation.bind(scalars, OFFSETS, new long[] {400, 0, 0}));
    assertTrue(post(invocation));
    assertSame(invocation, awaitOldest());
    return invocation;
  }

  @Test
  void threads_of_a_block_meet_in_the_shared_memory_that_the_manifest_gives() throws Exception {
    for (long extraBytes : new long[] {0, (227 << 10) - 416}) {
      DeviceInvocation invocation = reversed(0, extraBytes);
      assertEquals(Status.OK, invocation.status(), invocation.detail());
      for (int i = 0; i < 100; i++) {
        assertEquals(99 - i, window.get(JAVA_INT, OFFSETS[0] + 4L * i));
      }
    }
    DeviceInvocation tooMuch = reversed(0, (227 << 10) - 400);
    assertEquals(Status.INVALID_LAUNCH, tooMuch.status());
    assertTrue(tooMuch.detail().contains("232448"), tooMuch.detail());
    DeviceInvocation tooLittle = reversed(0, -8);
    assertEquals(Status.ILLEGAL_ADDRESS, tooLittle.status());
  }

  @Test
  void threads_that_wait_for_each_other_in_vain_are_a_device_fault() throws Exception {
    DeviceInvocation invocation = reversed(1, 0);
    assertEquals(Status.DEVICE_FAULT, invocation.status());
    assertTrue(invocation.detail().contains("DEADLOCK"), invocation.detail());
  }

  @Test
  void arguments_that_do_not_fit_the_shapes_are_refused() throws Exception {
    DeviceInvocation invocation = load(TestFunctions.VECTOR_ADD).newInvocation();
    String refusal = invocation.bind(new long[3], OFFSETS, new long[] {BYTES, BYTES - 4, BYTES});
    assertTrue(refusal != null && refusal.contains("b"), refusal);
    assertEquals(Status.INVALID_ARGUMENT, invocation.status());
  }

  private void refused(Status status, String part, String manifest, byte[] ptx) {
    DeviceException refusal = assertThrows(DeviceException.class, () -> load(manifest, ptx));
    assertEquals(status, refusal.status());
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.contains(part), message);
  }

  @Test
  void a_manifest_that_disagrees_with_its_code_is_refused_by_name() {
    byte[] ptx = TestFunctions.kernels();
    String add = TestFunctions.VECTOR_ADD;
    refused(
        Status.UNSUPPORTED_CODE,
        "no such kernel",
        add.replace("\"vector_add\"", "\"vector_sub\""),
        ptx);
    refused(
        Status.UNSUPPORTED_CODE,
        "passes 3 arguments; the kernel takes 4",
        add.replace("\"c\", \"n\"]", "\"c\"]"),
        ptx);
    refused(
        Status.UNSUPPORTED_CODE,
        "scalar turns of type i64; the kernel's turns is .u32",
        TestFunctions.SPIN.replace("U32", "I64"),
        ptx);
    refused(
        Status.UNSUPPORTED_CODE,
        "tensor base, an address; the kernel's turns is .u32, not .u64",
        TestFunctions.POKE
            .replace("\"kernel\": \"poke\"", "\"kernel\": \"spin\"")
            .replace("[\"base\", \"distance\"]", "[\"base\"]"),
        ptx);
  }

  @Test
  void code_that_the_device_lacks_is_refused_by_line() {
    String text = new String(TestFunctions.kernels(), UTF_8);
    String strange = text.replaceFirst("\tret;", "\tfrobnicate.b32 %r1, %r2;\n\tret;");
    refused(Status.UNSUPPORTED_CODE, "line 8", TestFunctions.NOTHING, strange.getBytes(UTF_8));
  }

  @Test
  void warming_up_touches_no_window() throws Exception {
    window.fill((byte) 0x55);
    load(TestFunctions.VECTOR_ADD).warmUp(TimeUnit.MILLISECONDS.toNanos(100));
    for (long i = 0; i < WINDOW_BYTES; i += 8) {
      assertEquals(0x5555555555555555L, window.get(JAVA_LONG, i));
    }
  }

  @Test
  void an_example_that_does_not_end_is_stopped_and_no_error() throws Exception {
    DeviceModule endless =
        load(TestFunctions.SPIN.replace("{\"turns\": \"0\"}", "{\"turns\": \"1\"}"));
    long tookNs = endless.warmUp(TimeUnit.MILLISECONDS.toNanos(50));
    assertTrue(tookNs >= TimeUnit.MILLISECONDS.toNanos(50));
  }
}
