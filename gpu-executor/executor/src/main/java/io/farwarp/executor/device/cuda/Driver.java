package io.farwarp.executor.device.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.farwarp.executor.device.DeviceException;
import io.farwarp.wire.Status;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * This host's CUDA driver: loaded once in a process, through JCuda, with the calls that JCuda lacks
 * or that it cannot make with plain addresses. Any thread.
 *
 * @see <a href="https://docs.nvidia.com/cuda/cuda-driver-api/">CUDA driver API</a>
 */
final class Driver {
  private static final String LIBRARY = "libcuda.so.1";
  private static final int MAX_NAME = 4096;

  private static @Nullable Driver opened;
  private static @Nullable String missing;

  private final MethodHandle copyToDevice;
  private final MethodHandle copyToHost;
  private final MethodHandle deviceUuid;
  private final MethodHandle parameter;
  private final MethodHandle functionCount;
  private final MethodHandle enumerateFunctions;
  private final MethodHandle functionName;

  private Driver(SymbolLookup symbols) {
    copyToDevice =
        required(
            symbols,
            "cuMemcpyHtoDAsync_v2",
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    copyToHost =
        required(
            symbols,
            "cuMemcpyDtoHAsync_v2",
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    deviceUuid =
        required(symbols, "cuDeviceGetUuid_v2", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    parameter =
        required(
            symbols,
            "cuFuncGetParamInfo",
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS));
    functionCount =
        required(
            symbols,
            "cuModuleGetFunctionCount",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
    enumerateFunctions =
        required(
            symbols,
            "cuModuleEnumerateFunctions",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG));
    functionName =
        required(symbols, "cuFuncGetName", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
  }

  private static MethodHandle required(
      SymbolLookup symbols, String name, FunctionDescriptor descriptor) {
    MemorySegment address =
        symbols
            .find(name)
            .orElseThrow(() ->
                new UnsatisfiedLinkError(
                    "%s has no %s; CUDA 12.4 or newer is needed".formatted(LIBRARY, name)));
    return Linker.nativeLinker().downcallHandle(address, descriptor);
  }

  /**
   * Loads and initialises the driver, which reads CUDA's environment variables now.
   *
   * @throws DeviceException what is missing, in one line
   */
  static synchronized Driver open() throws DeviceException {
    if (opened == null && missing == null) {
      missing = load();
    }
    if (opened == null) {
      throw new DeviceException(Status.NO_BINARY_FOR_DEVICE, "no CUDA device: " + missing);
    }
    return opened;
  }

  /** Why the driver cannot be loaded; empty if it can. Does not initialise it. */
  static String missing() {
    return library().isPresent()
        ? ""
        : LIBRARY + " cannot be loaded: install NVIDIA's driver, or use PTX_CPU";
  }

  private static Optional<SymbolLookup> library() {
    try {
      return Optional.of(SymbolLookup.libraryLookup(LIBRARY, Arena.global()));
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // which is all that it says
    }
  }

  /** Null when the driver is {@link #opened}; else what is missing. */
  private static @Nullable String load() {
    Optional<SymbolLookup> library = library();
    if (library.isEmpty()) {
      return missing();
    }
    try {
      Driver driver = new Driver(library.get());
      JCudaDriver.setExceptionsEnabled(false);
      int result = JCudaDriver.cuInit(0);
      if (result != CUresult.CUDA_SUCCESS) {
        return CudaErrors.text("cuInit", result);
      }
      opened = driver;
      return null;
    } catch (LinkageError e) {
      return "JCuda cannot be loaded: " + e.getMessage();
    }
  }

  /** {@code cuMemcpyHtoDAsync}; its result. */
  int copyToDevice(long device, long host, long bytes, long stream) {
    try {
      return (int) copyToDevice.invokeExact(device, host, bytes, stream);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** {@code cuMemcpyDtoHAsync}; its result. */
  int copyToHost(long host, long device, long bytes, long stream) {
    try {
      return (int) copyToHost.invokeExact(host, device, bytes, stream);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** The 16 bytes that name a device, or a MIG instance, on every host. */
  byte[] uuid(int device) throws DeviceException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(16);
      int result = result(() -> (int) deviceUuid.invokeExact(bytes, device));
      CudaErrors.check(result, "cuDeviceGetUuid_v2");
      return bytes.toArray(JAVA_BYTE);
    }
  }

  /** Bytes of each parameter of a kernel. */
  List<Integer> parameterBytes(Handles.Function kernel) throws DeviceException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment offset = arena.allocate(JAVA_LONG);
      MemorySegment size = arena.allocate(JAVA_LONG);
      List<Integer> sizes = new ArrayList<>();
      int result = parameter(kernel, 0, offset, size);
      while (result == CUresult.CUDA_SUCCESS) {
        sizes.add(Math.toIntExact(size.get(JAVA_LONG, 0)));
        result = parameter(kernel, sizes.size(), offset, size);
      }
      if (result != CUresult.CUDA_ERROR_INVALID_VALUE) { // which says that there are no more
        CudaErrors.check(result, "cuFuncGetParamInfo");
      }
      return sizes;
    }
  }

  private int parameter(
      Handles.Function kernel, long index, MemorySegment offset, MemorySegment size) {
    return result(() -> (int) parameter.invokeExact(kernel.handle(), index, offset, size));
  }

  /** The kernels of a module. */
  List<String> kernelNames(Handles.Module module) throws DeviceException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_INT);
      CudaErrors.check(
          result(() -> (int) functionCount.invokeExact(count, module.handle())),
          "cuModuleGetFunctionCount");
      int kernels = count.get(JAVA_INT, 0);
      MemorySegment functions = arena.allocate(JAVA_LONG, Math.max(1, kernels));
      CudaErrors.check(
          result(() -> (int) enumerateFunctions.invokeExact(functions, kernels, module.handle())),
          "cuModuleEnumerateFunctions");
      List<String> names = new ArrayList<>();
      MemorySegment name = arena.allocate(ADDRESS);
      for (int i = 0; i < kernels; i++) {
        long function = functions.getAtIndex(JAVA_LONG, i);
        CudaErrors.check(
            result(() -> (int) functionName.invokeExact(name, function)), "cuFuncGetName");
        names.add(name.get(ADDRESS, 0).reinterpret(MAX_NAME).getString(0));
      }
      return names;
    }
  }

  private interface Call {
    int make() throws Throwable;
  }

  /** Of a call that is not made for each invocation: what it holds on to is allocated. */
  private static int result(Call call) {
    try {
      return call.make();
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static AssertionError unexpected(Throwable e) {
    return new AssertionError("a call of the driver threw", e);
  }
}
