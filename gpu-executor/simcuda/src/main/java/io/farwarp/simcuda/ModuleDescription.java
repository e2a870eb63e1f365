package io.farwarp.simcuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.farwarp.ptx.PtxKernel;
import io.farwarp.ptx.PtxParameter;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;

/** Tells the driver what a module holds, while it is being loaded. */
final class ModuleDescription {
  private final MethodHandle loaded;
  private final MethodHandle log;
  private final MethodHandle kernel;
  private final MethodHandle variable;

  ModuleDescription(SymbolLookup symbols) {
    loaded =
        SimulatedDriver.handle(
            symbols,
            "farwarp_sim_module_loaded",
            FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_LONG));
    log =
        SimulatedDriver.handle(
            symbols, "farwarp_sim_module_log", FunctionDescriptor.ofVoid(ADDRESS, ADDRESS));
    kernel =
        SimulatedDriver.handle(
            symbols,
            "farwarp_sim_module_kernel",
            FunctionDescriptor.ofVoid(
                ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
    variable =
        SimulatedDriver.handle(
            symbols,
            "farwarp_sim_module_variable",
            FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG));
  }

  void loaded(MemorySegment module, long id, long memoryBytes) throws Throwable {
    loaded.invokeExact(module, id, memoryBytes);
  }

  /** What the compiler says, for the caller's log buffer. */
  void log(MemorySegment module, String text) throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      log.invokeExact(module, arena.allocateFrom(text));
    }
  }

  void kernel(MemorySegment module, PtxKernel described, long id) throws Throwable {
    List<PtxParameter> parameters = described.parameters();
    int[] offsets = parameters.stream().mapToInt(PtxParameter::offsetBytes).toArray();
    int[] sizes = parameters.stream().mapToInt(PtxParameter::sizeBytes).toArray();
    try (Arena arena = Arena.ofConfined()) {
      kernel.invokeExact(
          module,
          arena.allocateFrom(described.name()),
          id,
          described.maxThreadsPerBlock(),
          described.staticSharedBytes(),
          parameters.size(),
          arena.allocateFrom(JAVA_INT, offsets),
          arena.allocateFrom(JAVA_INT, sizes));
    }
  }

  void variable(MemorySegment module, String name, MemorySegment memory) throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      variable.invokeExact(module, arena.allocateFrom(name), memory.address(), memory.byteSize());
    }
  }
}
