package io.farwarp.ptx.gpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * The first NVIDIA GPU of this host: memory, modules that its driver compiles from PTX, launches.
 * One for the process, for one thread at a time.
 *
 * <p>After a kernel has faulted, or has not ended in time, the process's CUDA is of no more use:
 * every later call fails at once, with the reason.
 */
public final class Gpu {
  private static final long LAUNCH_LIMIT_NS = TimeUnit.SECONDS.toNanos(20);

  /** For the corpus's recursive kernels as compiled without optimisation. */
  private static final long STACK_BYTES = 32 << 10;

  /** So that every kernel can have blocks of 1024 threads. */
  private static final long MOST_REGISTERS = 64;

  private static final long LOG_BYTES = 16 << 10;

  private static @Nullable Gpu shared;

  private final GpuDriver driver;
  private final MemorySegment context;
  private final String description;
  private @Nullable String end;

  private Gpu(GpuDriver driver) {
    this.driver = driver;
    int device = driver.callForInt("cuDeviceGet", 0);
    context = driver.callForPointer("cuDevicePrimaryCtxRetain", device);
    driver.call("cuCtxSetCurrent", context);
    driver.call("cuCtxSetLimit", GpuDriver.CU_LIMIT_STACK_SIZE, STACK_BYTES);
    description = describe(driver, device);
  }

  /** The GPU; where there is none the test is skipped, with the reason. */
  public static synchronized Gpu assumed() {
    Gpu gpu = shared;
    if (gpu == null) {
      Optional<GpuDriver> driver = GpuDriver.find();
      Assumptions.assumeTrue(driver.isPresent(), "This host has no NVIDIA driver (libcuda.so.1)");
      int result = driver.get().result("cuInit", 0);
      Assumptions.assumeTrue(
          result == GpuDriver.CUDA_SUCCESS,
          () -> "The NVIDIA driver does not start: " + driver.get().errorName(result));
      Assumptions.assumeTrue(
          driver.get().callForInt("cuDeviceGetCount") > 0, "The NVIDIA driver has no GPU");
      gpu = new Gpu(driver.get());
      shared = gpu;
    }
    return gpu;
  }

  private static String describe(GpuDriver driver, int device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(256);
      driver.call("cuDeviceGetName", name, 256, device);
      int major =
          driver.callForInt(
              "cuDeviceGetAttribute",
              GpuDriver.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
              device);
      int minor =
          driver.callForInt(
              "cuDeviceGetAttribute",
              GpuDriver.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
              device);
      int version = driver.callForInt("cuDriverGetVersion");
      return "%s, compute capability %d.%d, CUDA %d.%d"
          .formatted(name.getString(0), major, minor, version / 1000, version % 1000 / 10);
    }
  }

  /** Its name, architecture and driver. */
  @Override
  public String toString() {
    return description;
  }

  private void enter() {
    if (end != null) {
      throw new GpuException("CUDA has ended in this process: " + end);
    }
    driver.call("cuCtxSetCurrent", context);
  }

  /** Pinned memory of the host, which the GPU sees at the same address; freed with the arena. */
  public MemorySegment allocate(long sizeBytes, Arena arena) {
    enter();
    int flags = GpuDriver.CU_MEMHOSTALLOC_PORTABLE | GpuDriver.CU_MEMHOSTALLOC_DEVICEMAP;
    MemorySegment memory = driver.callForPointer("cuMemHostAlloc", sizeBytes, flags);
    MemorySegment seen = driver.callForPointer("cuMemHostGetDevicePointer_v2", memory, 0);
    if (seen.address() != memory.address()) {
      throw new GpuException("The GPU sees memory of the host at other addresses than the host");
    }
    return memory.reinterpret(sizeBytes, arena, this::free);
  }

  private void free(MemorySegment memory) {
    if (end == null) {
      driver.call("cuCtxSetCurrent", context);
      driver.call("cuMemFreeHost", memory);
    }
  }

  /** Has the driver compile a text; its messages are in the exception. */
  public Module load(String text) {
    enter();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment log = arena.allocate(LOG_BYTES);
      MemorySegment options =
          arena.allocateFrom(
              JAVA_INT,
              GpuDriver.CU_JIT_ERROR_LOG_BUFFER,
              GpuDriver.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
              GpuDriver.CU_JIT_MAX_REGISTERS);
      MemorySegment values = arena.allocate(ADDRESS, 3);
      values.setAtIndex(ADDRESS, 0, log);
      values.setAtIndex(ADDRESS, 1, MemorySegment.ofAddress(LOG_BYTES));
      values.setAtIndex(ADDRESS, 2, MemorySegment.ofAddress(MOST_REGISTERS));
      MemorySegment image = arena.allocateFrom(text, StandardCharsets.UTF_8);
      MemorySegment module = arena.allocate(ADDRESS);
      int result = driver.result("cuModuleLoadDataEx", module, image, 3, options, values);
      if (result != GpuDriver.CUDA_SUCCESS) {
        log.set(JAVA_BYTE, LOG_BYTES - 1, (byte) 0);
        throw new GpuException(
            "cuModuleLoadDataEx gave " + driver.errorName(result) + ": " + log.getString(0));
      }
      return new Module(module.get(ADDRESS, 0));
    }
  }

  /** A number of blocks or threads in each dimension. */
  public record Size(int x, int y, int z) {}

  /** A module on the GPU. */
  public final class Module implements AutoCloseable {
    private final MemorySegment handle;

    private Module(MemorySegment handle) {
      this.handle = handle;
    }

    /**
     * Runs a kernel to its end. Memory of the host's is passed by address, memory of the heap by
     * value, a number by its bits.
     */
    public void run(String kernel, Size grid, Size block, int sharedBytes, Object... arguments) {
      enter();
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment function =
            driver.callForPointer("cuModuleGetFunction", handle, arena.allocateFrom(kernel));
        driver.call(
            "cuFuncSetAttribute",
            function,
            GpuDriver.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
            sharedBytes);
        MemorySegment parameters = arena.allocate(ADDRESS, arguments.length + 1);
        for (int i = 0; i < arguments.length; i++) {
          parameters.setAtIndex(ADDRESS, i, argument(arguments[i], arena));
        }
        driver.call(
            "cuLaunchKernel",
            function,
            grid.x(),
            grid.y(),
            grid.z(),
            block.x(),
            block.y(),
            block.z(),
            sharedBytes,
            MemorySegment.NULL,
            parameters,
            MemorySegment.NULL);
        awaitEnd(kernel);
      }
    }

    @Override
    public void close() {
      if (end == null) {
        driver.call("cuCtxSetCurrent", context);
        driver.call("cuModuleUnload", handle);
      }
    }
  }

  /** The bytes of an argument; the driver takes as many as the parameter has. */
  private static MemorySegment argument(Object argument, Arena arena) {
    long size = argument instanceof MemorySegment m && !m.isNative() ? m.byteSize() : 0;
    MemorySegment bytes = arena.allocate(Math.max(8, size), 16);
    switch (argument) {
      case MemorySegment memory when memory.isNative() ->
          bytes.set(JAVA_LONG_UNALIGNED, 0, memory.address());
      case MemorySegment struct -> bytes.copyFrom(struct);
      case Float number -> bytes.set(JAVA_INT, 0, Float.floatToRawIntBits(number));
      case Double number -> bytes.set(JAVA_LONG_UNALIGNED, 0, Double.doubleToRawLongBits(number));
      case Number number -> bytes.set(JAVA_LONG_UNALIGNED, 0, number.longValue());
      default -> throw new IllegalArgumentException(argument.toString());
    }
    return bytes;
  }

  private void awaitEnd(String kernel) {
    long startNs = System.nanoTime();
    int result = driver.result("cuStreamQuery", MemorySegment.NULL);
    while (result == GpuDriver.CUDA_ERROR_NOT_READY) {
      if (System.nanoTime() - startNs > LAUNCH_LIMIT_NS) {
        end = kernel + " has not ended in " + LAUNCH_LIMIT_NS / 1_000_000_000 + " s";
        throw new GpuException(end);
      }
      Thread.onSpinWait();
      result = driver.result("cuStreamQuery", MemorySegment.NULL);
    }
    if (result == GpuDriver.CUDA_SUCCESS) {
      result = driver.result("cuCtxSynchronize");
    }
    if (result != GpuDriver.CUDA_SUCCESS) {
      end = kernel + " ended with " + driver.errorName(result);
      throw new GpuException(end);
    }
  }
}
