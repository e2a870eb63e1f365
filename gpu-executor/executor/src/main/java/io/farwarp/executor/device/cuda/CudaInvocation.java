package io.farwarp.executor.device.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.farwarp.executor.device.Binding;
import io.farwarp.executor.device.DeviceInvocation;
import io.farwarp.function.Argument;
import io.farwarp.function.Expression;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.LaunchSpec;
import io.farwarp.function.ParameterSpec;
import io.farwarp.wire.Status;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * One invocation of a function on a GPU: arguments, where its kernels find them, and the order in
 * which its copies and launches go into a stream.
 */
final class CudaInvocation implements DeviceInvocation {
  /**
   * With no more than this to move, kernels use the window's pages across the bus: a copy there and
   * back takes longer (35 to 50 us, against 16 to 19 us for a vector sum that reads the pages, by
   * {@code CudaBench} on an H100), and what a kernel reads often does not cost much yet.
   */
  static final long MAPPED_BYTES = 64 << 10;

  /** How long a kernel may go on after it was stopped, before the device is given up for it. */
  static final long STOP_LIMIT_NS = TimeUnit.MILLISECONDS.toNanos(250);

  private static final int IDLE = 0;
  private static final int POSTED = 1;
  private static final int BEGUN = 2;
  private static final int WITHDRAWN = 3;

  private final CudaDeviceModule module;
  private final FunctionSpec spec;
  private final WindowMemory memory;
  private final long mappedBytes;
  private final Binding arguments;
  private final long[] work;
  private final KernelArguments[] passed;
  private final AtomicInteger state = new AtomicInteger(IDLE);

  /** For {@link #passed}: which arguments and which scratch memory the kernels are passed. */
  private long passedNumber = -1;

  private long passedScratch;
  private long base;
  private boolean isCopied;

  /** Where {@link #submitLaunches} goes on. */
  private int nextLaunch;

  private int nextRepeat;

  private Runnable stopLimitReached = () -> {};
  private volatile long stopNs;
  private volatile boolean isStopped;
  private Status status = Status.OK;
  private String detail = "";
  private long startedNs;
  private long copyInNs;
  private long kernelNs;
  private long copyOutNs;

  /** The 64-bit values of a kernel's arguments, and the addresses of each as the driver wants. */
  private record KernelArguments(MemorySegment values, RawPointer addresses) {
    static KernelArguments of(int count, Arena arena) {
      MemorySegment values = arena.allocate(JAVA_LONG, Math.max(1, count));
      MemorySegment addresses = arena.allocate(JAVA_LONG, Math.max(1, count));
      for (int i = 0; i < count; i++) {
        addresses.setAtIndex(JAVA_LONG, i, values.address() + 8L * i);
      }
      return new KernelArguments(values, RawPointer.of(addresses));
    }
  }

  CudaInvocation(CudaDeviceModule module, WindowMemory memory) {
    this(module, memory, MAPPED_BYTES);
  }

  /** {@code mappedBytes} in place of {@link #MAPPED_BYTES}. */
  CudaInvocation(CudaDeviceModule module, WindowMemory memory, long mappedBytes) {
    this.module = module;
    this.mappedBytes = mappedBytes;
    this.spec = module.spec();
    this.memory = memory;
    this.arguments = module.newBinding();
    this.work = arguments.work();
    Arena arena = Arena.ofAuto();
    this.passed =
        spec.launches().stream()
            .map(launch -> KernelArguments.of(launch.arguments().size(), arena))
            .toArray(KernelArguments[]::new);
  }

  @Override
  public @Nullable String bind(
      long[] scalarBits, long[] tensorOffsetsBytes, long[] tensorLengthsBytes) {
    long before = arguments.number();
    String refusal = arguments.bind(scalarBits, tensorOffsetsBytes, tensorLengthsBytes);
    if (refusal != null) {
      status = arguments.status();
    } else if (arguments.number() != before) {
      chooseMemory();
    }
    return refusal;
  }

  /**
   * Kernels use the GPU's own memory, unless there is none or so little that a copy takes longer.
   */
  private void chooseMemory() {
    boolean isMapped = memory.deviceAddress() == 0;
    if (!isMapped && memory.mappedAddress() != 0) {
      long bytes = 0;
      for (ParameterSpec parameter : spec.parameters()) {
        if (parameter.isTensor()) {
          bytes += arguments.lengthBytes(parameter.index());
        }
      }
      isMapped = bytes <= mappedBytes;
    }
    base = isMapped ? memory.mappedAddress() : memory.deviceAddress();
    isCopied = !isMapped && memory.hostAddress() != 0;
  }

  /**
   * Whether this one must not run beside another: one writes what the other one uses, or they may
   * share what no argument shows.
   */
  boolean conflictsWith(CudaInvocation other) {
    return !module.isPure()
        || !other.module.isPure()
        || writesWhatIsUsedBy(other)
        || other.writesWhatIsUsedBy(this);
  }

  private boolean writesWhatIsUsedBy(CudaInvocation other) {
    List<ParameterSpec> mine = spec.parameters();
    List<ParameterSpec> theirs = other.spec.parameters();
    for (int i = 0; i < mine.size(); i++) {
      if (mine.get(i).isTensor() && mine.get(i).isWritten()) {
        long start = arguments.offsetBytes(i);
        long end = start + arguments.lengthBytes(i);
        for (int j = 0; j < theirs.size(); j++) {
          if (theirs.get(j).isTensor()
              && start < other.arguments.offsetBytes(j) + other.arguments.lengthBytes(j)
              && other.arguments.offsetBytes(j) < end) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /** {@code onStopLimit} is to be called when a stop has been in vain for the limit. */
  void posted(Runnable onStopLimit) {
    stopLimitReached = onStopLimit;
    isStopped = false;
    status = Status.OK;
    detail = "";
    state.set(POSTED);
  }

  /** Its turn has come; false if it was stopped before, and will not run. */
  boolean begin() {
    timed(System.nanoTime(), 0, 0, 0);
    nextLaunch = 0;
    nextRepeat = 0;
    if (state.compareAndSet(POSTED, BEGUN)) {
      return true;
    }
    fail(Status.CANCELLED, "stopped before it began");
    return false;
  }

  @Override
  public boolean stop() {
    if (state.compareAndSet(POSTED, WITHDRAWN)) {
      return true;
    }
    if (!isStopped) {
      stopNs = System.nanoTime();
      isStopped = true;
      CompletableFuture.delayedExecutor(STOP_LIMIT_NS, TimeUnit.NANOSECONDS)
          .execute(stopLimitReached);
    }
    return false;
  }

  /** Whether its launches are to end. */
  boolean isStopped() {
    return isStopped;
  }

  /** Whether it was stopped so long ago that its kernel will not end. */
  boolean isBeyondStopLimit(long nowNs) {
    return isStopped && nowNs - stopNs >= STOP_LIMIT_NS;
  }

  boolean isCopied() {
    return isCopied;
  }

  long scratchBytes() {
    return arguments.scratchBytes();
  }

  /** Puts the copies of what kernels read into a stream; false if one failed. */
  boolean submitCopiesIn(Handles.Stream stream) {
    Driver driver = module.device().driver();
    for (int i = 0; i < spec.parameters().size(); i++) {
      ParameterSpec parameter = spec.parameters().get(i);
      long bytes = arguments.lengthBytes(i);
      if (parameter.isTensor() && parameter.isRead() && bytes > 0) {
        long at = arguments.offsetBytes(i);
        int result =
            driver.copyToDevice(
                memory.deviceAddress() + at, memory.hostAddress() + at, bytes, stream.handle());
        if (isFailure(result, "cuMemcpyHtoDAsync")) {
          return false;
        }
      }
    }
    return true;
  }

  /** Puts the copies of what kernels write into a stream; false if one failed. */
  boolean submitCopiesOut(Handles.Stream stream) {
    Driver driver = module.device().driver();
    for (int i = 0; i < spec.parameters().size(); i++) {
      ParameterSpec parameter = spec.parameters().get(i);
      long bytes = arguments.lengthBytes(i);
      if (parameter.isTensor() && parameter.isWritten() && bytes > 0) {
        long at = arguments.offsetBytes(i);
        int result =
            driver.copyToHost(
                memory.hostAddress() + at, memory.deviceAddress() + at, bytes, stream.handle());
        if (isFailure(result, "cuMemcpyDtoHAsync")) {
          return false;
        }
      }
    }
    return true;
  }

  /**
   * Puts launches into a stream, the next ones of the plan.
   *
   * @param scratch address of {@link #scratchBytes} of the GPU's memory
   * @param most how many at most
   * @return whether that were all, or the last one failed, or it was stopped
   */
  boolean submitLaunches(Handles.Stream stream, long scratch, int most) {
    pass(scratch);
    int left = most;
    while (nextLaunch < passed.length) {
      int repeat = spec.launch(nextLaunch).repeat(work);
      while (nextRepeat < repeat) {
        if (isStopped) {
          fail(Status.CANCELLED, "stopped before launch " + nextLaunch + " of its plan");
          return true;
        }
        if (left == 0) {
          return false;
        }
        if (!launch(nextLaunch, stream)) {
          return true;
        }
        nextRepeat++;
        left--;
      }
      nextLaunch++;
      nextRepeat = 0;
    }
    return true;
  }

  private boolean launch(int index, Handles.Stream stream) {
    LaunchSpec launch = spec.launch(index);
    CudaKernel kernel = module.kernels().get(index);
    int sharedBytes = launch.dynamicSharedBytes(work);
    int most = module.device().maxSharedBytes() - kernel.staticSharedBytes();
    if (sharedBytes > most) {
      fail(
          Status.INVALID_LAUNCH,
          "launch %d, kernel %s: dynamic shared memory of %d bytes beside %d that it declares; the"
                  .formatted(index, launch.kernel(), sharedBytes, kernel.staticSharedBytes())
              + " limit for both is %d".formatted(module.device().maxSharedBytes()));
      return false;
    }
    int result =
        JCudaDriver.cuLaunchKernel(
            kernel.function(),
            launch.grid(0, work),
            launch.grid(1, work),
            launch.grid(2, work),
            launch.block(0, work),
            launch.block(1, work),
            launch.block(2, work),
            sharedBytes,
            stream,
            passed[index].addresses(),
            null);
    return !isFailure(result, "cuLaunchKernel");
  }

  private void pass(long scratch) {
    if (passedNumber == arguments.number() && passedScratch == scratch) {
      return;
    }
    for (int i = 0; i < passed.length; i++) {
      List<Argument> list = spec.launch(i).arguments();
      for (int j = 0; j < list.size(); j++) {
        passed[i].values().setAtIndex(JAVA_LONG, j, value(list.get(j), scratch));
      }
    }
    passedNumber = arguments.number();
    passedScratch = scratch;
  }

  private long value(Argument argument, long scratch) {
    return switch (argument) {
      case Argument.ParameterRef(int index) ->
          spec.parameters().get(index).isTensor()
              ? base + arguments.offsetBytes(index)
              : arguments.scalar(index);
      case Argument.ScratchRef(int index) -> scratch + arguments.scratchOffsetBytes(index);
      case Expression expression -> expression.value(work);
    };
  }

  private boolean isFailure(int result, String call) {
    if (result == CUresult.CUDA_SUCCESS) {
      return false;
    }
    module.device().note(result, call);
    fail(CudaErrors.status(result), CudaErrors.text(call, result));
    return true;
  }

  /** The first reason counts. */
  void fail(Status newStatus, String reason) {
    if (status == Status.OK) {
      status = newStatus;
      detail = reason;
    }
  }

  void timed(long newStartedNs, long newCopyInNs, long newKernelNs, long newCopyOutNs) {
    startedNs = newStartedNs;
    copyInNs = newCopyInNs;
    kernelNs = newKernelNs;
    copyOutNs = newCopyOutNs;
  }

  @Override
  public Status status() {
    return status;
  }

  @Override
  public String detail() {
    return detail;
  }

  @Override
  public long startedNs() {
    return startedNs;
  }

  @Override
  public long copyInNs() {
    return copyInNs;
  }

  @Override
  public long kernelNs() {
    return kernelNs;
  }

  @Override
  public long copyOutNs() {
    return copyOutNs;
  }
}
