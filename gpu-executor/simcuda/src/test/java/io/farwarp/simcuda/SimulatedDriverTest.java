package io.farwarp.simcuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** By its C interface, in this process. */
final class SimulatedDriverTest {
  private static final int OUT_OF_MEMORY = 2;
  private static final int ILLEGAL_ADDRESS = 700;

  /** Adds 1 to the word at {@code at + distance} bytes. */
  private static final String INCREMENT =
      """
      .version 6.3
      .target sm_50
      .address_size 64
      .visible .entry increment(.param .u64 at, .param .u64 distance)
      {
        .reg .b32 %r<2>;
        .reg .b64 %rd<3>;
        ld.param.u64 %rd1, [at];
        ld.param.u64 %rd2, [distance];
        add.s64 %rd1, %rd1, %rd2;
        ld.global.u32 %r1, [%rd1];
        add.u32 %r1, %r1, 1;
        st.global.u32 [%rd1], %r1;
        ret;
      }
      """;

  private static SymbolLookup symbols;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment out = arena.allocate(JAVA_LONG, 2);
  private MemorySegment context;

  @BeforeAll
  static void install() {
    try {
      SimulatedDriver.install("");
    } catch (IOException e) {
      Assumptions.abort(e.getMessage());
    }
    symbols = SymbolLookup.libraryLookup("libcuda.so.1", Arena.global());
  }

  @BeforeEach
  void open() throws Throwable {
    reset("");
    assertEquals(0, call("cuCtxCreate_v2", out, 0, 0));
    context = out.get(ADDRESS, 0);
  }

  @AfterEach
  void close() throws Throwable {
    reset("");
    violations(); // the next test's are its own
    arena.close();
  }

  private void reset(String configuration) throws Throwable {
    assertEquals(0, call("farwarp_sim_reset", arena.allocateFrom(configuration)));
    assertEquals(0, call("cuInit", 0));
  }

  /** Ints are passed as such, longs and addresses as 64 bits; a {@code CUresult} comes back. */
  private static int call(String function, Object... arguments) throws Throwable {
    MemoryLayout[] layouts =
        Arrays.stream(arguments)
            .map(a -> a instanceof Integer ? JAVA_INT : a instanceof Long ? JAVA_LONG : ADDRESS)
            .toArray(MemoryLayout[]::new);
    return (int)
        Linker.nativeLinker()
            .downcallHandle(symbols.findOrThrow(function), FunctionDescriptor.of(JAVA_INT, layouts))
            .invokeWithArguments(arguments);
  }

  private String violations() throws Throwable {
    MemorySegment text = arena.allocate(64 << 10);
    call("farwarp_sim_take_violations", text, text.byteSize());
    return text.getString(0);
  }

  private long allocate(long bytes) throws Throwable {
    assertEquals(0, call("cuMemAlloc_v2", out, bytes));
    return out.get(JAVA_LONG, 0);
  }

  private long freeBytes() throws Throwable {
    assertEquals(0, call("cuMemGetInfo_v2", out, out.asSlice(8)));
    return out.get(JAVA_LONG, 0);
  }

  private MemorySegment increment() throws Throwable {
    assertEquals(0, call("cuModuleLoadData", out, arena.allocateFrom(INCREMENT)));
    MemorySegment module = out.get(ADDRESS, 0);
    assertEquals(0, call("cuModuleGetFunction", out, module, arena.allocateFrom("increment")));
    return out.get(ADDRESS, 0);
  }

  private int launch(MemorySegment kernel, MemorySegment stream, long at, long distance)
      throws Throwable {
    MemorySegment values = arena.allocateFrom(JAVA_LONG, at, distance);
    MemorySegment pointers = arena.allocateFrom(JAVA_LONG, values.address(), values.address() + 8);
    return call(
        "cuLaunchKernel", kernel, 1, 1, 1, 1, 1, 1, 0, stream, pointers, MemorySegment.NULL);
  }

  @Test
  void every_symbol_that_jcuda_binds_is_there() throws IOException {
    List<String> bound = Files.readAllLines(Path.of("src/main/c/symbols"));
    assertTrue(bound.size() >= 312, bound.size() + " symbols");
    assertEquals(List.of(), bound.stream().filter(name -> symbols.find(name).isEmpty()).toList());
  }

  @Test
  void memory_is_counted_to_the_byte_and_full_of_poison() throws Throwable {
    long before = freeBytes();
    long memory = allocate(1000);
    assertEquals(before - 1000, freeBytes());
    MemorySegment bytes = arena.allocate(1000);
    assertEquals(0, call("cuMemcpyDtoH_v2", bytes, memory, 1000L));
    for (long i = 0; i < 1000; i++) {
      assertNotEquals(0, bytes.get(JAVA_BYTE, i));
    }
    assertEquals(0, call("cuMemFree_v2", memory));
    assertEquals(before, freeBytes());
    assertEquals("", violations());
  }

  @Test
  void more_than_the_device_has_is_refused() throws Throwable {
    reset("memory=1M");
    assertEquals(0, call("cuCtxCreate_v2", out, 0, 0));
    assertEquals(OUT_OF_MEMORY, call("cuMemAlloc_v2", out, 2L << 20));
  }

  @Test
  void what_is_freed_twice_or_never_is_reported_with_the_call() throws Throwable {
    long memory = allocate(64);
    assertEquals(0, call("cuMemFree_v2", memory));
    assertNotEquals(0, call("cuMemFree_v2", memory));
    String twice = violations();
    assertTrue(twice.contains("cuMemFree"), twice);
    allocate(64);
    assertEquals(0, call("cuCtxDestroy_v2", context));
    String never = violations();
    assertTrue(never.contains("leak") && never.contains("64 bytes"), never);
  }

  @Test
  void the_nth_call_fails_if_so_told() throws Throwable {
    assertEquals(0, call("farwarp_sim_configure", arena.allocateFrom("fail=cuMemAlloc:2:2")));
    allocate(64);
    assertEquals(OUT_OF_MEMORY, call("cuMemAlloc_v2", out, 64L));
    allocate(64);
  }

  @Test
  void launches_of_a_stream_keep_their_order() throws Throwable {
    long memory = allocate(64);
    assertEquals(0, call("cuMemsetD8_v2", memory, 0, 64L));
    MemorySegment kernel = increment();
    assertEquals(0, call("cuStreamCreate", out, 1));
    MemorySegment stream = out.get(ADDRESS, 0);
    for (int i = 0; i < 100; i++) {
      assertEquals(0, launch(kernel, stream, memory, 0));
    }
    assertEquals(0, call("cuStreamSynchronize", stream));
    assertEquals(0, call("cuMemcpyDtoH_v2", out, memory, 4L));
    assertEquals(100, out.get(JAVA_INT, 0));
  }

  @Test
  void a_wild_pointer_is_the_end_of_the_context() throws Throwable {
    long memory = allocate(64);
    assertEquals(0, launch(increment(), MemorySegment.NULL, memory, 1L << 45));
    assertEquals(ILLEGAL_ADDRESS, call("cuCtxSynchronize"));
    assertEquals(ILLEGAL_ADDRESS, call("cuMemAlloc_v2", out, 64L));
    assertEquals(ILLEGAL_ADDRESS, call("cuMemFree_v2", memory));
  }
}
