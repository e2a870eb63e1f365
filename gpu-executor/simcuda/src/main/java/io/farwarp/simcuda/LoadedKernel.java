package io.farwarp.simcuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.farwarp.ptx.PtxExecutor;
import io.farwarp.ptx.PtxFault;
import io.farwarp.ptx.PtxKernel;
import io.farwarp.ptx.PtxLaunch;
import io.farwarp.ptx.PtxOutput;
import io.farwarp.ptx.PtxParameter;
import io.farwarp.ptx.StopSignal;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A kernel that the driver launches. Launches that were prepared while the same memory was
 * allocated are used again.
 */
final class LoadedKernel {
  private static final int MAX_PREPARED = 64;

  /** {@code ranges}: the memory that was allocated then. */
  private record Prepared(PtxLaunch launch, List<MemorySegment> ranges, long generation) {}

  private final PtxKernel kernel;
  private final PtxOutput output;
  private final Deque<Prepared> prepared = new ArrayDeque<>();

  LoadedKernel(PtxKernel kernel, PtxOutput output) {
    this.kernel = kernel;
    this.output = output;
  }

  void run(LaunchRequest request, PtxExecutor executor, StopSignal stop) throws PtxFault {
    Prepared taken = take(request);
    PtxLaunch launch = taken.launch();
    launch.grid(request.grid(0), request.grid(1), request.grid(2));
    launch.block(request.block(0), request.block(1), request.block(2));
    launch.dynamicSharedBytes(request.sharedBytes());
    List<PtxParameter> parameters = kernel.parameters();
    if (!parameters.isEmpty()) {
      PtxParameter last = parameters.getLast();
      MemorySegment values = request.parameters(last.offsetBytes() + last.sizeBytes());
      for (int i = 0; i < parameters.size(); i++) {
        PtxParameter parameter = parameters.get(i);
        pass(taken, i, values.asSlice(parameter.offsetBytes(), parameter.sizeBytes()));
      }
    }
    try {
      executor.run(launch, stop);
    } finally {
      give(taken);
    }
  }

  /**
   * What looks like an address is passed as one, with all of its allocation that follows: the PTX
   * CPU device is quick there, and finds other reachable memory slowly.
   */
  private static void pass(Prepared prepared, int index, MemorySegment value) {
    if (value.byteSize() == Long.BYTES) {
      long address = value.get(JAVA_LONG_UNALIGNED, 0);
      for (MemorySegment range : prepared.ranges()) {
        long offset = address - range.address();
        if (offset >= 0 && offset < range.byteSize()) {
          prepared.launch().pointer(index, range, offset, range.byteSize() - offset);
          return;
        }
      }
    }
    prepared.launch().bytes(index, value);
  }

  private Prepared take(LaunchRequest request) {
    @Nullable Prepared found;
    synchronized (prepared) {
      prepared.removeIf(each -> each.generation() != request.generation());
      found = prepared.poll();
    }
    return found == null ? prepare(request) : found;
  }

  private Prepared prepare(LaunchRequest request) {
    PtxLaunch launch = kernel.newLaunch().output(output);
    List<MemorySegment> ranges = request.ranges();
    for (MemorySegment range : ranges) {
      launch.alsoReachable(range, 0, range.byteSize());
    }
    return new Prepared(launch, ranges, request.generation());
  }

  private void give(Prepared launch) {
    synchronized (prepared) {
      if (prepared.size() < MAX_PREPARED) {
        prepared.push(launch);
      }
    }
  }
}
