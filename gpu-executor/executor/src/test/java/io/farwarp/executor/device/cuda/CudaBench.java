package io.farwarp.executor.device.cuda;

import io.farwarp.executor.TestFunctions;
import io.farwarp.executor.device.DeviceInvocation;
import io.farwarp.executor.device.DeviceStream;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import io.farwarp.wire.Status;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.concurrent.Semaphore;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/**
 * What the CUDA device adds to the driver, in turns within one run: an empty kernel beside the same
 * launch by the driver alone, polled and slept for; plans as graphs; and a vector sum by size, its
 * kernel on the window's own pages beside copies to the GPU and back. A program for a machine with
 * a GPU; prints tables.
 */
final class CudaBench {
  private static final int ROUNDS = 21;
  private static final long WINDOW_BYTES = 384L << 20;

  private final CudaDevice device;
  private final DeviceStream stream;
  private final Arena arena = Arena.ofShared();
  private final Semaphore ended = new Semaphore(0);

  private CudaBench() throws Exception {
    device = CudaDevice.open();
    device.attachWindow(arena.allocate(WINDOW_BYTES, 4096));
    stream = device.openStream(ended::release);
  }

  public static void main(String[] arguments) throws Exception {
    CudaBench bench = new CudaBench();
    System.out.printf("device %s%n", bench.device.name());
    bench.firstModule();
    bench.emptyKernel();
    bench.plans();
    bench.vectorSums();
  }

  private CudaDeviceModule load(String manifest) throws Exception {
    FunctionPackage functionPackage = TestFunctions.packageOf(manifest);
    return (CudaDeviceModule)
        device.load(functionPackage, FunctionSpec.of(functionPackage.manifest()));
  }

  private interface Call {
    void run();
  }

  private void run(DeviceInvocation invocation) {
    stream.post(invocation, false);
    while (stream.poll() == null) {
      Thread.onSpinWait();
    }
    checkStatus(invocation);
  }

  /** As {@link #run}, by a thread that sleeps meanwhile. */
  private void runAsleep(DeviceInvocation invocation) {
    stream.post(invocation, false);
    do {
      ended.drainPermits();
      stream.arm();
      ended.acquireUninterruptibly();
    } while (stream.poll() == null);
    checkStatus(invocation);
  }

  private static void checkStatus(DeviceInvocation invocation) {
    if (invocation.status() != Status.OK) {
      throw new IllegalStateException(invocation.status() + ": " + invocation.detail());
    }
  }

  /** Median nanoseconds of a call of each, in turns. */
  private static double[] inTurns(int calls, Call... each) {
    double[][] times = new double[each.length][ROUNDS];
    for (int round = -2; round < ROUNDS; round++) {
      for (int i = 0; i < each.length; i++) {
        long startNs = System.nanoTime();
        for (int call = 0; call < calls; call++) {
          each[i].run();
        }
        if (round >= 0) {
          times[i][round] = (System.nanoTime() - startNs) / (double) calls;
        }
      }
    }
    return Arrays.stream(times).mapToDouble(CudaBench::median).toArray();
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    return values[values.length / 2];
  }

  private static void check(int result) {
    if (result != CUresult.CUDA_SUCCESS) {
      throw new IllegalStateException(CudaErrors.text("bench", result));
    }
  }

  /** The driver sets itself up for compiling, and compiles unless its cache has the code. */
  private void firstModule() throws Exception {
    long startNs = System.nanoTime();
    load(TestFunctions.VECTOR_ADD).close();
    System.out.printf("first module load: %.0f ms%n", (System.nanoTime() - startNs) / 1e6);
  }

  private void emptyKernel() throws Exception {
    CudaDeviceModule nothing = load(TestFunctions.NOTHING);
    DeviceInvocation invocation = nothing.newInvocation();
    bind(invocation, new long[0], new long[0]);
    Handles.Stream raw = new Handles.Stream();
    check(JCudaDriver.cuStreamCreate(raw, CUstream_flags.CU_STREAM_NON_BLOCKING));
    Handles.Function kernel = nothing.kernels().getFirst().function();
    MemorySegment none = arena.allocate(8);
    RawPointer noArguments = RawPointer.of(none);
    Call byDriver =
        () -> {
          check(JCudaDriver.cuLaunchKernel(kernel, 1, 1, 1, 1, 1, 1, 0, raw, noArguments, null));
          int result = JCudaDriver.cuStreamQuery(raw);
          while (result == CUresult.CUDA_ERROR_NOT_READY) {
            result = JCudaDriver.cuStreamQuery(raw);
          }
          check(result);
        };
    Call byDevice = () -> run(invocation);
    Call asleep = () -> runAsleep(invocation);
    inTurns(2_000, byDriver, byDevice, asleep);
    double[] ns = inTurns(500, byDriver, byDevice, asleep);
    System.out.printf(
        "empty kernel: driver alone %.2f us, device %.2f us, %.2fx; %d B allocated a call%n",
        ns[0] / 1e3, ns[1] / 1e3, ns[1] / ns[0], allocatedBytes(byDevice));
    System.out.printf("empty kernel, asleep meanwhile: %.2f us%n", ns[2] / 1e3);
  }

  private static long allocatedBytes(Call call) {
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    int calls = 1_000;
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < calls; i++) {
      call.run();
    }
    return (threads.getCurrentThreadAllocatedBytes() - before) / calls;
  }

  private static void bind(DeviceInvocation invocation, long[] offsets, long[] lengths) {
    String refusal = invocation.bind(new long[offsets.length], offsets, lengths);
    if (refusal != null) {
      throw new IllegalStateException(refusal);
    }
  }

  private CudaInvocation invocation(CudaDeviceModule module, long mappedBytes) {
    return new CudaInvocation(module, device.window(), mappedBytes, plan -> {});
  }

  /** A plan of many launches, as it is launched with new arguments and with the same again. */
  private void plans() throws Exception {
    for (int launches : new int[] {2, 10, 100, 1000}) {
      String often =
          TestFunctions.SPIN.replace(
              "\"block\": [\"1\"]", "\"block\": [\"1\"], \"repeat\": \"%d\"".formatted(launches));
      DeviceInvocation each = load(often).newInvocation();
      DeviceInvocation graph = load(often).newInvocation();
      long[] scalars = {0};
      Call byLaunches =
          () -> {
            scalars[0] ^= 1L << 40; // beyond the kernel's parameter: other arguments, same work
            each.bind(scalars, new long[1], new long[1]);
            run(each);
          };
      Call byGraph = () -> run(graph);
      graph.bind(new long[1], new long[1], new long[1]);
      double[] ns = inTurns(2000 / launches + 5, byLaunches, byGraph);
      System.out.printf(
          "plan of %4d launches: each %.1f us, as a graph %.1f us, %.2fx%n",
          launches, ns[0] / 1e3, ns[1] / 1e3, ns[1] / ns[0]);
    }
  }

  private void vectorSums() throws Exception {
    CudaDeviceModule sum = load(TestFunctions.VECTOR_ADD);
    System.out.printf(
        "%12s %10s %10s %7s   %s%n",
        "tensor bytes",
        "mapped us",
        "copied us",
        "ratio",
        "copied: in, kernel, out us; GB/s in, out");
    for (long bytes = 1 << 10; bytes <= 64 << 20; bytes *= 2) {
      CudaInvocation mapped = invocation(sum, Long.MAX_VALUE);
      CudaInvocation copied = invocation(sum, 0);
      long[] offsets = {0, 128L << 20, 256L << 20};
      bind(mapped, offsets, new long[] {bytes, bytes, bytes});
      bind(copied, offsets, new long[] {bytes, bytes, bytes});
      int calls = (int) Math.clamp((16 << 20) / bytes, 2, 200);
      double[] ns = inTurns(calls, () -> run(mapped), () -> run(copied));
      System.out.printf(
          "%12d %10.1f %10.1f %6.2fx   %.1f %.1f %.1f; %.1f %.1f%n",
          bytes,
          ns[0] / 1e3,
          ns[1] / 1e3,
          ns[0] / ns[1],
          copied.copyInNs() / 1e3,
          copied.kernelNs() / 1e3,
          copied.copyOutNs() / 1e3,
          2.0 * bytes / Math.max(1, copied.copyInNs()),
          (double) bytes / Math.max(1, copied.copyOutNs()));
    }
  }
}
