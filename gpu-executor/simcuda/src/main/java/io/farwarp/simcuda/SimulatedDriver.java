package io.farwarp.simcuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** The simulated driver in this process: once loaded it stays. */
public final class SimulatedDriver {
  private static final String CUDA = "libcuda.so.1";
  private static final String NVML = "libnvidia-ml.so.1";

  private SimulatedDriver() {}

  /**
   * Loads the two libraries, so that a later {@code dlopen} of their names finds them, and lets
   * launches run in this JVM.
   *
   * @param configuration {@code key=value,…}; see the module's README
   * @throws IllegalArgumentException if the configuration is not understood
   * @throws IOException if this build has no library for this host, with the reason
   */
  public static void install(String configuration) throws IOException {
    try (NativeLibraries libraries = NativeLibraries.unpack(CUDA, NVML)) {
      System.load(libraries.file(CUDA).toString());
      System.load(libraries.file(NVML).toString());
    }
    SymbolLookup symbols = SymbolLookup.loaderLookup();
    configure(symbols, "farwarp_sim_reset", configuration);
    configure(symbols, "farwarp_sim_nvml_configure", configuration);
    MemorySegment upcalls = new Upcalls(new ModuleDescription(symbols)).table(Arena.global());
    MethodHandle bind =
        handle(symbols, "farwarp_sim_bind", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    if (call(bind, upcalls) != 0) {
      throw new IllegalStateException("the simulated CUDA driver is bound already");
    }
  }

  private static void configure(SymbolLookup symbols, String function, String configuration) {
    MethodHandle handle = handle(symbols, function, FunctionDescriptor.of(JAVA_INT, ADDRESS));
    try (Arena arena = Arena.ofConfined()) {
      if (call(handle, arena.allocateFrom(configuration)) != 0) {
        throw new IllegalArgumentException(
            "the simulated CUDA driver does not understand '%s'".formatted(configuration));
      }
    }
  }

  static MethodHandle handle(SymbolLookup symbols, String name, FunctionDescriptor descriptor) {
    return Linker.nativeLinker().downcallHandle(symbols.findOrThrow(name), descriptor);
  }

  private static int call(MethodHandle handle, MemorySegment argument) {
    try {
      return (int) handle.invokeExact(argument);
    } catch (Throwable e) {
      throw new LinkageError("a downcall throws nothing of its own", e);
    }
  }
}
