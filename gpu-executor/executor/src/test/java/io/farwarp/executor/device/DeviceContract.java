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
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every device does. A device's own test extends this and says how it is opened. */
abstract class DeviceContract {
  private static final long WINDOW_BYTES = 1 << 20;
  private static final long LIMIT_BYTES = NativeBudget.limitBytes(WINDOW_BYTES);
  private static final int N = 4096;
  private static final long BYTES = 4L * N;
  private static final long[] OFFSETS = {0, 65_536, 131_072};

  private static final VarHandle VOLATILE_INT = JAVA_INT.varHandle();

  /** More than a device may have begun while the first one runs. */
  private static final int BEFORE_A_WAITING_ONE = 32;

  private final List<DeviceModule> modules = new ArrayList<>();
  private final Semaphore ended = new Semaphore(0);
  private Arena arena;
  MemorySegment window;
  private Device device;
  DeviceStream stream;

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
    modules.forEach(DeviceModule::close);
    device.close();
    arena.close();
  }

  DeviceModule load(String manifest) throws Exception {
    return load(manifest, TestFunctions.kernels());
  }

  DeviceModule load(String manifest, byte[] ptx) throws Exception {
    FunctionPackage functionPackage = TestFunctions.packageOf(manifest, ptx);
    DeviceModule module = device.load(functionPackage, FunctionSpec.of(functionPackage.manifest()));
    modules.add(module);
    return module;
  }

  DeviceInvocation awaitOldest() throws InterruptedException {
    return awaitOldest(stream, ended);
  }

  static DeviceInvocation awaitOldest(DeviceStream stream, Semaphore ended)
      throws InterruptedException {
    DeviceInvocation oldest = stream.poll();
    while (oldest == null) {
      stream.arm();
      assertTrue(ended.tryAcquire(20, TimeUnit.SECONDS), "nothing ended for 20 s");
      oldest = stream.poll();
    }
    return oldest;
  }

  boolean post(DeviceInvocation invocation) {
    return switch (stream.post(invocation, false)) {
      case FULL -> false;
      case QUEUED -> true;
      case HERE, HERE_AND_LASTING -> {
        stream.runHere(System.nanoTime());
        yield true;
      }
    };
  }

  static DeviceInvocation bound(DeviceModule module, long... scalars) {
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

  /** Posted; it runs until {@link #release}. */
  private DeviceInvocation postHold() throws Exception {
    DeviceInvocation hold = load(TestFunctions.HOLD).newInvocation();
    window.set(JAVA_INT, 0, 0);
    assertNull(hold.bind(new long[1], new long[1], new long[] {4}));
    assertTrue(post(hold));
    return hold;
  }

  private void release() {
    VOLATILE_INT.setVolatile(window, 0L, 1);
  }

  @Test
  void invocations_end_in_the_order_in_which_they_were_posted() throws Exception {
    DeviceModule nothing = load(TestFunctions.NOTHING);
    nothing.warmUp(TimeUnit.MILLISECONDS.toNanos(50));
    Deque<DeviceInvocation> order = new ArrayDeque<>();
    order.add(postHold());
    while (order.size() < DeviceStream.CAPACITY) {
      DeviceInvocation next = bound(nothing);
      assertTrue(post(next));
      order.add(next);
    }
    DeviceInvocation tooMany = bound(nothing);
    assertFalse(post(tooMany));
    assertNull(stream.poll());
    release();
    while (!order.isEmpty()) {
      DeviceInvocation oldest = awaitOldest();
      assertSame(order.removeFirst(), oldest);
      assertEquals(Status.OK, oldest.status(), oldest.detail());
    }
    assertNull(stream.poll());
    assertTrue(post(tooMany));
    assertSame(tooMany, awaitOldest());
  }

  @Test
  void what_is_stopped_before_it_began_never_runs() throws Exception {
    DeviceModule nothing = load(TestFunctions.NOTHING);
    Deque<DeviceInvocation> before = new ArrayDeque<>();
    before.add(postHold());
    while (before.size() < BEFORE_A_WAITING_ONE) {
      DeviceInvocation next = bound(nothing);
      assertTrue(post(next));
      before.add(next);
    }
    DeviceInvocation waiting = bound(nothing);
    assertTrue(post(waiting));
    assertTrue(waiting.stop());
    release();
    while (!before.isEmpty()) {
      assertSame(before.removeFirst(), awaitOldest());
    }
    assertSame(waiting, awaitOldest());
    assertEquals(Status.CANCELLED, waiting.status());
    assertNull(waiting.bind(new long[0], new long[0], new long[0]));
    assertTrue(post(waiting));
    assertSame(waiting, awaitOldest());
    assertEquals(Status.OK, waiting.status(), waiting.detail());
  }

  private DeviceInvocation reversed(long extraBytes) throws Exception {
    for (int i = 0; i < 100; i++) {
      window.set(JAVA_INT, OFFSETS[0] + 4L * i, i);
    }
    DeviceInvocation invocation = load(TestFunctions.REVERSE).newInvocation();
    long[] scalars = {0, 0, extraBytes};
    assertNull(invocation.bind(scalars, OFFSETS, new long[] {400, 0, 0}));
    assertTrue(post(invocation));
    assertSame(invocation, awaitOldest());
    return invocation;
  }

  @Test
  void threads_of_a_block_meet_in_the_shared_memory_that_the_manifest_gives() throws Exception {
    for (long extraBytes : new long[] {0, (227 << 10) - 416}) {
      DeviceInvocation invocation = reversed(extraBytes);
      assertEquals(Status.OK, invocation.status(), invocation.detail());
      for (int i = 0; i < 100; i++) {
        assertEquals(99 - i, window.get(JAVA_INT, OFFSETS[0] + 4L * i));
      }
    }
    DeviceInvocation tooMuch = reversed((227 << 10) - 400);
    assertEquals(Status.INVALID_LAUNCH, tooMuch.status());
    assertTrue(tooMuch.detail().contains("232448"), tooMuch.detail());
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
        "scalar turns of type i64; the kernel's ",
        TestFunctions.SPIN.replace("U32", "I64"),
        ptx);
    refused(
        Status.UNSUPPORTED_CODE,
        "tensor base, an address; the kernel's ",
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

  private static FunctionPackage withVariables(long bytes) throws Exception {
    String ptx = new String(TestFunctions.kernels(), UTF_8);
    String variable = ".visible .global .align 4 .b8 large[%d];".formatted(bytes);
    return TestFunctions.packageOf(
        TestFunctions.NOTHING, (ptx + "\n" + variable + "\n").getBytes(UTF_8));
  }

  private void assertRefusedForMemory(FunctionPackage large) throws Exception {
    FunctionSpec spec = FunctionSpec.of(large.manifest());
    DeviceException refusal = assertThrows(DeviceException.class, () -> device.load(large, spec));
    assertEquals(Status.RESOURCE_EXHAUSTED, refusal.status());
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.contains("kernels.ptx: the module's variables take "), message);
    assertTrue(message.contains("of the worker's %d are free".formatted(LIMIT_BYTES)), message);
  }

  @Test
  void all_modules_together_have_the_memory_of_one_worker_and_give_it_back() throws Exception {
    FunctionPackage large = withVariables(LIMIT_BYTES * 2 / 3);
    FunctionSpec spec = FunctionSpec.of(large.manifest());
    assertRefusedForMemory(withVariables(LIMIT_BYTES));
    try (DeviceModule _ = device.load(large, spec)) {
      assertRefusedForMemory(large);
    }
    device.load(large, spec).close();
  }

  @Test
  void warming_up_touches_no_window() throws Exception {
    window.fill((byte) 0x55);
    load(TestFunctions.VECTOR_ADD).warmUp(TimeUnit.MILLISECONDS.toNanos(100));
    for (long i = 0; i < WINDOW_BYTES; i += 8) {
      assertEquals(0x5555555555555555L, window.get(JAVA_LONG, i));
    }
  }
}
