package io.farwarp.executor.device.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.farwarp.executor.device.Binding;
import io.farwarp.function.Argument;
import io.farwarp.function.Expression;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.LaunchSpec;
import io.farwarp.wire.Status;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Consumer;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * The launches of an invocation, with what they are passed. Several launches that are to run again
 * with the same arguments become a {@link CudaGraph}.
 */
final class CudaPlan {
  /** Of a graph; plans of more launches go into the stream bit by bit. */
  private static final int MOST_IN_GRAPH = 1024;

  private final CudaInvocation invocation;
  private final CudaDeviceModule module;
  private final Consumer<CudaPlan> keeper;
  private final FunctionSpec spec;
  private final Binding arguments;
  private final long[] work;
  private final @Nullable Passed[] passedInSlot = new @Nullable Passed[CudaStream.DEPTH];

  /** Where {@link #submit} goes on. */
  private int nextLaunch;

  private int nextRepeat;

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

  /** What the kernels are passed in one slot, which has scratch memory of its own. */
  private static final class Passed {
    final KernelArguments[] launches;
    long number = -1;
    long base;
    long scratch;
    boolean isWorthAGraph;
    boolean hasRun;

    /** Of what is passed; null while it has run once at most. */
    @Nullable CudaGraph graph;

    Passed(List<LaunchSpec> plan) {
      Arena arena = Arena.ofAuto();
      launches =
          plan.stream()
              .map(launch -> KernelArguments.of(launch.arguments().size(), arena))
              .toArray(KernelArguments[]::new);
    }
  }

  CudaPlan(
      CudaInvocation invocation,
      CudaDeviceModule module,
      Binding arguments,
      Consumer<CudaPlan> keeper) {
    this.keeper = keeper;
    this.invocation = invocation;
    this.module = module;
    this.spec = module.spec();
    this.arguments = arguments;
    this.work = arguments.work();
  }

  /** The next {@link #submit} starts with the first launch. */
  void begin() {
    nextLaunch = 0;
    nextRepeat = 0;
  }

  /**
   * Puts launches into a stream, the next ones of the plan.
   *
   * @param slot number of the slot whose stream and scratch memory it is
   * @param base where offset 0 of the window is for the kernels
   * @param scratch address of the scratch memory
   * @param most how many at most
   * @return whether that were all, or the last one failed, or the invocation was stopped
   */
  boolean submit(int slot, Handles.Stream stream, long base, long scratch, int most) {
    Passed passed = passedInSlot[slot];
    if (passed == null) {
      passed = new Passed(spec.launches());
      passedInSlot[slot] = passed;
    }
    if (nextLaunch == 0 && nextRepeat == 0) {
      pass(passed, base, scratch);
      CudaGraph ready = graph(passed, stream);
      if (ready != null && !invocation.isStopped()) {
        invocation.isFailure(ready.launch(stream), "cuGraphLaunch");
        return true;
      }
    }
    return submitEach(passed, stream, most);
  }

  private boolean submitEach(Passed passed, Handles.Stream stream, int most) {
    int left = most;
    while (nextLaunch < passed.launches.length) {
      int repeat = spec.launch(nextLaunch).repeat(work);
      while (nextRepeat < repeat) {
        if (invocation.isStopped()) {
          invocation.fail(Status.CANCELLED, "stopped before launch " + nextLaunch + " of its plan");
          return true;
        }
        if (left == 0) {
          return false;
        }
        if (!launch(passed, nextLaunch, stream)) {
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

  private @Nullable CudaGraph graph(Passed passed, Handles.Stream stream) {
    if (passed.graph == null && passed.hasRun && passed.isWorthAGraph) {
      passed.graph = CudaGraph.capture(module.device(), stream, () -> launchAll(passed, stream));
      if (passed.graph != null) {
        keeper.accept(this);
      }
    }
    passed.hasRun = true;
    return passed.graph;
  }

  private boolean isWorthAGraph() {
    long launches = 0;
    for (int i = 0; i < spec.launches().size(); i++) {
      launches += spec.launch(i).repeat(work);
    }
    return launches > 1 && launches <= MOST_IN_GRAPH;
  }

  private boolean launchAll(Passed passed, Handles.Stream stream) {
    for (int i = 0; i < passed.launches.length; i++) {
      int repeat = spec.launch(i).repeat(work);
      for (int r = 0; r < repeat; r++) {
        if (!launch(passed, i, stream)) {
          return false;
        }
      }
    }
    return true;
  }

  private boolean launch(Passed passed, int index, Handles.Stream stream) {
    LaunchSpec launch = spec.launch(index);
    CudaKernel kernel = module.kernels().get(index);
    int sharedBytes = launch.dynamicSharedBytes(work);
    int most = module.device().maxSharedBytes() - kernel.staticSharedBytes();
    if (sharedBytes > most) {
      invocation.fail(
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
            passed.launches[index].addresses(),
            null);
    return !invocation.isFailure(result, "cuLaunchKernel");
  }

  private void pass(Passed passed, long base, long scratch) {
    if (passed.number == arguments.number() && passed.base == base && passed.scratch == scratch) {
      return;
    }
    for (int i = 0; i < passed.launches.length; i++) {
      List<Argument> list = spec.launch(i).arguments();
      for (int j = 0; j < list.size(); j++) {
        passed.launches[i].values().setAtIndex(JAVA_LONG, j, value(list.get(j), base, scratch));
      }
    }
    passed.number = arguments.number();
    passed.base = base;
    passed.scratch = scratch;
    passed.isWorthAGraph = isWorthAGraph();
    passed.hasRun = false;
    close(passed);
  }

  private long value(Argument argument, long base, long scratch) {
    return switch (argument) {
      case Argument.ParameterRef(int index) ->
          spec.parameters().get(index).isTensor()
              ? base + arguments.offsetBytes(index)
              : arguments.scalar(index);
      case Argument.ScratchRef(int index) -> scratch + arguments.scratchOffsetBytes(index);
      case Expression expression -> expression.value(work);
    };
  }

  /**
   * Gives up what the driver keeps for it, unless a kernel that does not end holds it; it can be
   * submitted again.
   */
  void close() {
    if (module.device().isHung()) {
      return;
    }
    for (Passed passed : passedInSlot) {
      if (passed != null) {
        close(passed);
      }
    }
  }

  private static void close(Passed passed) {
    CudaGraph old = passed.graph;
    passed.graph = null;
    if (old != null) {
      old.close();
    }
  }
}
