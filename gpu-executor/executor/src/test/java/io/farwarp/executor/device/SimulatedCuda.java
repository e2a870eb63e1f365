package io.farwarp.executor.device;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** What a test tells the simulated CUDA driver that is loaded in this process, and asks it. */
final class SimulatedCuda {
  private static final long TEXT_BYTES = 64 << 10;

  private final MethodHandle reset;
  private final MethodHandle initialise;
  private final MethodHandle allCalls;
  private final MethodHandle takeViolations;

  SimulatedCuda() {
    SymbolLookup symbols = SymbolLookup.libraryLookup("libcuda.so.1", Arena.global());
    reset = handle(symbols, "farwarp_sim_reset", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    initialise = handle(symbols, "cuInit", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    FunctionDescriptor text = FunctionDescriptor.of(JAVA_LONG, ADDRESS, JAVA_LONG);
    allCalls = handle(symbols, "farwarp_sim_all_calls", text);
    takeViolations = handle(symbols, "farwarp_sim_take_violations", text);
  }

  private static MethodHandle handle(
      SymbolLookup symbols, String name, FunctionDescriptor descriptor) {
    return Linker.nativeLinker().downcallHandle(symbols.findOrThrow(name), descriptor);
  }

  /**
   * As after {@code cuInit}, with {@code configuration} on top. Contexts that are left end, and
   * what they hold are violations.
   */
  void reset(String configuration) throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      if ((int) reset.invokeExact(arena.allocateFrom(configuration)) != 0
          || (int) initialise.invokeExact(0) != 0) {
        throw new IllegalArgumentException(configuration);
      }
    }
  }

  /** Which functions have been called since the reset, and how often. */
  String allCalls() throws Throwable {
    return text(allCalls);
  }

  /** What the API does not allow and was done, or left undone, since this was asked last. */
  String takeViolations() throws Throwable {
    return text(takeViolations);
  }

  private static String text(MethodHandle function) throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(TEXT_BYTES);
      long _ = (long) function.invokeExact(text, TEXT_BYTES);
      return text.getString(0);
    }
  }
}
