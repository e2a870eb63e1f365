package io.farwarp.executor.device.ptx;

import io.farwarp.executor.device.Binding;
import io.farwarp.executor.device.DeviceInvocation;
import io.farwarp.function.Argument;
import io.farwarp.function.Expression;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.LaunchSpec;
import io.farwarp.ptx.PtxExecutor;
import io.farwarp.ptx.PtxFault;
import io.farwarp.ptx.PtxLaunch;
import io.farwarp.ptx.PtxOutput;
import io.farwarp.ptx.StopSignal;
import io.farwarp.wire.Status;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One invocation of a function on the PTX CPU device: the prepared launches of its plan, and the
 * arguments that they get before they run.
 */
final class PtxDeviceInvocation implements DeviceInvocation {
  private static final int POSTED = 1;
  private static final int BEGUN = 2;
  private static final int WITHDRAWN = 3;
  private static final VarHandle STATE;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(PtxDeviceInvocation.class, "state", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final PtxDeviceModule module;
  private final FunctionSpec spec;
  private final MemorySegment memory;
  private final PtxOutput output = PtxOutput.ofAtMost(PtxOutput.DEFAULT_MAX_CHARS);
  private final PtxLaunch[] launches;
  private final Binding arguments;
  private final long[] work;
  private long threads;

  /** The scratch memory that the launches have been passed with these arguments, or null. */
  private @Nullable MemorySegment passedSlab;

  @SuppressWarnings("UnusedVariable") // read and written through STATE
  private int state;

  private volatile StopSignal stop = new StopSignal();
  private Status status = Status.OK;
  private String detail = "";
  private long startedNs;
  private long kernelNs;

  /** Tensor offsets count from the start of {@code memory}. */
  PtxDeviceInvocation(PtxDeviceModule module, MemorySegment memory) {
    this.module = module;
    this.spec = module.spec();
    this.memory = memory;
    this.launches = module.newLaunches();
    for (PtxLaunch launch : launches) {
      launch.output(output);
    }
    this.arguments = module.newBinding();
    this.work = arguments.work();
  }

  @Override
  public @Nullable String bind(
      long[] scalarBits, long[] tensorOffsetsBytes, long[] tensorLengthsBytes) {
    if (stop.isStopped()) {
      stop = new StopSignal();
    }
    long before = arguments.number();
    String refusal = arguments.bind(scalarBits, tensorOffsetsBytes, tensorLengthsBytes);
    if (refusal != null) {
      status = arguments.status();
    } else if (arguments.number() != before) {
      passedSlab = null;
      countThreads();
    }
    return refusal;
  }

  private void countThreads() {
    long sum = 0;
    List<LaunchSpec> plan = spec.launches();
    for (int i = 0; i < plan.size(); i++) {
      LaunchSpec launch = plan.get(i);
      double product = launch.repeat(work);
      for (int axis = 0; axis < 3; axis++) {
        product *= (double) launch.grid(axis, work) * launch.block(axis, work);
      }
      sum += (long) Math.min(product, 1e15);
    }
    threads = sum;
  }

  /** What {@link #run} should take; {@link Long#MAX_VALUE} if that is unknown. */
  long expectedNs() {
    return module.cost().expectedNs(threads);
  }

  void posted() {
    STATE.setRelease(this, POSTED);
  }

  @Override
  public boolean stop() {
    if (STATE.compareAndSet(this, POSTED, WITHDRAWN)) {
      return true;
    }
    stop.stop();
    return false;
  }

  /**
   * Runs the whole plan on the calling thread and the executor's; never throws.
   *
   * @param nowNs a fresh reading of the clock
   */
  void run(PtxExecutor executor, ScratchSlab scratch, long nowNs) {
    startedNs = nowNs;
    status = Status.OK;
    detail = "";
    kernelNs = 0;
    if (!STATE.compareAndSet(this, POSTED, BEGUN)) {
      fail(Status.CANCELLED, "stopped before it began");
      return;
    }
    try {
      runPlan(executor, scratch);
    } catch (PtxFault e) {
      fail(statusOf(e.kind()), e.getMessage());
    } catch (OutOfMemoryError e) {
      fail(
          Status.RESOURCE_EXHAUSTED,
          "no memory for %d bytes of scratch: %s"
              .formatted(arguments.scratchBytes(), e.getMessage()));
    } catch (RuntimeException | Error e) {
      fail(Status.INTERNAL, "defect in the PTX CPU device: " + e);
    }
    kernelNs = System.nanoTime() - startedNs;
    String printed = output.take();
    if (!printed.isEmpty()) {
      module.printed(printed);
      detail = status == Status.OK ? printed : detail;
    }
    if (status == Status.OK) {
      module.cost().measured(threads, kernelNs);
    }
  }

  private void runPlan(PtxExecutor executor, ScratchSlab scratch) throws PtxFault {
    MemorySegment slab = scratch.ofAtLeast(arguments.scratchBytes());
    if (slab == null) {
      fail(
          Status.RESOURCE_EXHAUSTED,
          "scratch takes " + module.budget().refusal(arguments.scratchBytes()));
      return;
    }
    List<LaunchSpec> plan = spec.launches();
    // The very segment that was passed: one like it may be closed.
    @SuppressWarnings({"MemorySegmentReferenceEquality", "ReferenceEquality"})
    boolean isPassed = slab == passedSlab;
    for (int i = 0; i < launches.length; i++) {
      LaunchSpec launch = plan.get(i);
      int repeat = launch.repeat(work);
      if (repeat > 0 && !isPassed) {
        pass(launch, launches[i], slab);
      }
      for (int r = 0; r < repeat; r++) {
        if (stop.isStopped()) {
          fail(Status.CANCELLED, "stopped before launch " + i + " of its plan");
          return;
        }
        executor.run(launches[i], stop);
      }
    }
    passedSlab = slab;
  }

  private void pass(LaunchSpec spec, PtxLaunch launch, MemorySegment slab) {
    launch.grid(spec.grid(0, work), spec.grid(1, work), spec.grid(2, work));
    launch.block(spec.block(0, work), spec.block(1, work), spec.block(2, work));
    launch.dynamicSharedBytes(spec.dynamicSharedBytes(work));
    List<Argument> passed = spec.arguments();
    for (int i = 0; i < passed.size(); i++) {
      switch (passed.get(i)) {
        case Argument.ParameterRef(int index) -> passParameter(launch, i, index);
        case Argument.ScratchRef(int index) ->
            launch.pointer(
                i, slab, arguments.scratchOffsetBytes(index), arguments.scratchBytes(index));
        case Expression expression -> launch.scalar(i, expression.value(work));
      }
    }
  }

  private void passParameter(PtxLaunch launch, int position, int parameter) {
    if (spec.parameters().get(parameter).isTensor()) {
      launch.pointer(
          position, memory, arguments.offsetBytes(parameter), arguments.lengthBytes(parameter));
    } else {
      launch.scalar(position, arguments.scalar(parameter));
    }
  }

  private void fail(Status newStatus, @Nullable String reason) {
    status = newStatus;
    detail = reason == null ? "no reason given" : reason;
  }

  private static Status statusOf(PtxFault.Kind kind) {
    return switch (kind) {
      case ILLEGAL_ADDRESS -> Status.ILLEGAL_ADDRESS;
      case MISALIGNED_ADDRESS -> Status.MISALIGNED_ADDRESS;
      case STOPPED -> Status.CANCELLED;
      case INVALID_LAUNCH -> Status.INVALID_LAUNCH;
      case STACK_OVERFLOW, TRAP, ASSERTION, INVALID_TARGET, DEADLOCK, INVALID_BARRIER ->
          Status.DEVICE_FAULT;
      case INTERNAL -> Status.INTERNAL;
    };
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
    return 0;
  }

  @Override
  public long kernelNs() {
    return kernelNs;
  }

  @Override
  public long copyOutNs() {
    return 0;
  }
}
