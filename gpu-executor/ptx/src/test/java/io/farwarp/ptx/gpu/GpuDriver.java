package io.farwarp.ptx.gpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The functions of NVIDIA's driver library that the tests call, as {@code cuda.h} declares them.
 * Every result is looked at.
 */
final class GpuDriver {
  static final int CUDA_SUCCESS = 0;
  static final int CUDA_ERROR_NOT_READY = 600;
  static final int CU_MEMHOSTALLOC_PORTABLE = 0x01;
  static final int CU_MEMHOSTALLOC_DEVICEMAP = 0x02;
  static final int CU_LIMIT_STACK_SIZE = 0;
  static final int CU_JIT_MAX_REGISTERS = 0;
  static final int CU_JIT_ERROR_LOG_BUFFER = 5;
  static final int CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6;
  static final int CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;
  static final int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75;
  static final int CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76;

  private static final String LIBRARY = "libcuda.so.1";
  private static final int NAME_BYTES = 256;

  private final Map<String, MethodHandle> functions = new HashMap<>();
  private final SymbolLookup library;

  private GpuDriver(SymbolLookup library) {
    this.library = library;
    declare("cuInit", JAVA_INT);
    declare("cuGetErrorName", JAVA_INT, ADDRESS);
    declare("cuDriverGetVersion", ADDRESS);
    declare("cuDeviceGetCount", ADDRESS);
    declare("cuDeviceGet", ADDRESS, JAVA_INT);
    declare("cuDeviceGetName", ADDRESS, JAVA_INT, JAVA_INT);
    declare("cuDeviceGetAttribute", ADDRESS, JAVA_INT, JAVA_INT);
    declare("cuDevicePrimaryCtxRetain", ADDRESS, JAVA_INT);
    declare("cuCtxSetCurrent", ADDRESS);
    declare("cuCtxSetLimit", JAVA_INT, JAVA_LONG);
    declare("cuCtxSynchronize");
    declare("cuStreamQuery", ADDRESS);
    declare("cuModuleLoadDataEx", ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
    declare("cuModuleUnload", ADDRESS);
    declare("cuModuleGetFunction", ADDRESS, ADDRESS, ADDRESS);
    declare("cuFuncSetAttribute", ADDRESS, JAVA_INT, JAVA_INT);
    declare("cuMemHostAlloc", ADDRESS, JAVA_LONG, JAVA_INT);
    declare("cuMemHostGetDevicePointer_v2", ADDRESS, ADDRESS, JAVA_INT);
    declare("cuMemFreeHost", ADDRESS);
    declare(
        "cuLaunchKernel",
        ADDRESS,
        JAVA_INT,
        JAVA_INT,
        JAVA_INT,
        JAVA_INT,
        JAVA_INT,
        JAVA_INT,
        JAVA_INT,
        ADDRESS,
        ADDRESS,
        ADDRESS);
  }

  /** The driver, or nothing where the library is not installed. */
  static Optional<GpuDriver> find() {
    SymbolLookup library;
    try {
      library = SymbolLookup.libraryLookup(LIBRARY, Arena.global());
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
    return Optional.of(new GpuDriver(library));
  }

  private void declare(String name, MemoryLayout... parameters) {
    MemorySegment symbol =
        library
            .find(name)
            .orElseThrow(() -> new GpuException(LIBRARY + " has no function " + name));
    functions.put(
        name,
        Linker.nativeLinker().downcallHandle(symbol, FunctionDescriptor.of(JAVA_INT, parameters)));
  }

  /** The {@code CUresult} of a call. */
  int result(String name, Object... arguments) {
    MethodHandle function = functions.get(name);
    if (function == null) {
      throw new IllegalArgumentException(name + " is not declared");
    }
    try {
      return (int) function.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new IllegalStateException(name + " could not be called", e);
    }
  }

  /** Calls a function that must succeed. */
  void call(String name, Object... arguments) {
    int result = result(name, arguments);
    if (result != CUDA_SUCCESS) {
      throw new GpuException(name + " gave " + errorName(result));
    }
  }

  /** Calls a function whose first parameter is where it puts an int. */
  int callForInt(String name, Object... rest) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_INT);
      call(name, withFirst(out, rest));
      return out.get(JAVA_INT, 0);
    }
  }

  /** Calls a function whose first parameter is where it puts a pointer. */
  MemorySegment callForPointer(String name, Object... rest) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      call(name, withFirst(out, rest));
      return out.get(ADDRESS, 0);
    }
  }

  private static Object[] withFirst(Object first, Object[] rest) {
    Object[] all = new Object[rest.length + 1];
    all[0] = first;
    System.arraycopy(rest, 0, all, 1, rest.length);
    return all;
  }

  /** The name and number of an error. */
  String errorName(int result) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      if (result("cuGetErrorName", result, out) != CUDA_SUCCESS) {
        return "error " + result;
      }
      MemorySegment name = out.get(ADDRESS, 0).reinterpret(NAME_BYTES);
      return name.getString(0) + " (" + result + ")";
    }
  }
}
