package io.farwarp.executor.device.cuda;

import io.farwarp.executor.device.Binding;
import io.farwarp.executor.device.DeviceInvocation;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.ParameterSpec;
import io.farwarp.wire.Status;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import jcuda.driver.CUresult;
import org.jspecify.annotations.Nullable;

/**
 * One invocation of a function on a GPU: arguments, where its kernels find them, and the copies
 * that go into a stream before and after its launches.
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
  private final CudaPlan plan;
  private final AtomicInteger state = new AtomicInteger(IDLE);

  private long base;
  private boolean isCopied;

  private Runnable stopLimitReached = () -> {};
  private volatile long stopNs;
  private volatile boolean isStopped;
  private Status status = Status.OK;
  private String detail = "";
  private long startedNs;
  private long copyInNs;
  private long kernelNs;
  private long copyOutNs;

  /**
   * An invocation with nothing bound.
   *
   * @param mappedBytes {@link #MAPPED_BYTES}, or another limit to measure with
   * @param keeper told of the invocation's plan when it has a graph, to close it in the end
   */
  CudaInvocation(
      CudaDeviceModule module, WindowMemory memory, long mappedBytes, Consumer<CudaPlan> keeper) {
    this.module = module;
    this.mappedBytes = mappedBytes;
    this.spec = module.spec();
    this.memory = memory;
    this.arguments = module.newBinding();
    this.plan = new CudaPlan(this, module, arguments, keeper);
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
    plan.begin();
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
    return submitCopies(stream, true);
  }

  /** Puts the copies of what kernels write into a stream; false if one failed. */
  boolean submitCopiesOut(Handles.Stream stream) {
    return submitCopies(stream, false);
  }

  private boolean submitCopies(Handles.Stream stream, boolean toDevice) {
    Driver driver = module.device().driver();
    for (int i = 0; i < spec.parameters().size(); i++) {
      ParameterSpec parameter = spec.parameters().get(i);
      long bytes = arguments.lengthBytes(i);
      boolean moves = toDevice ? parameter.isRead() : parameter.isWritten();
      if (parameter.isTensor() && moves && bytes > 0) {
        long host = memory.hostAddress() + arguments.offsetBytes(i);
        long device = memory.deviceAddress() + arguments.offsetBytes(i);
        int result =
            toDevice
                ? driver.copyToDevice(device, host, bytes, stream.handle())
                : driver.copyToHost(host, device, bytes, stream.handle());
        if (isFailure(result, toDevice ? "cuMemcpyHtoDAsync" : "cuMemcpyDtoHAsync")) {
          return false;
        }
      }
    }
    return true;
  }

  /** As {@link CudaPlan#close}, for one whose plan nobody keeps. */
  void close() {
    plan.close();
  }

  /** As {@link CudaPlan#submit}. */
  boolean submitLaunches(int slot, Handles.Stream stream, long scratch, int most) {
    return plan.submit(slot, stream, base, scratch, most);
  }

  /** Notes the result of a call; whether it is a failure, which is the invocation's then. */
  boolean isFailure(int result, String call) {
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
