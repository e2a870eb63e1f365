package io.farwarp.simcuda;

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

  private record Prepared(PtxLaunch launch, long generation) {}

  private final PtxKernel kernel;
  private final PtxOutput output;
  private final Deque<Prepared> prepared = new ArrayDeque<>();

  LoadedKernel(PtxKernel kernel, PtxOutput output) {
    this.kernel = kernel;
    this.output = output;
  }

  void run(LaunchRequest request, PtxExecutor executor, StopSignal stop) throws PtxFault {
    PtxLaunch launch = take(request);
    launch.grid(request.grid(0), request.grid(1), request.grid(2));
    launch.block(request.block(0), request.block(1), request.block(2));
    launch.dynamicSharedBytes(request.sharedBytes());
    List<PtxParameter> parameters = kernel.parameters();
    if (!parameters.isEmpty()) {
      PtxParameter last = parameters.getLast();
      MemorySegment values = request.parameters(last.offsetBytes() + last.sizeBytes());
      for (int i = 0; i < parameters.size(); i++) {
        PtxParameter parameter = parameters.get(i);
        launch.bytes(i, values.asSlice(parameter.offsetBytes(), parameter.sizeBytes()));
      }
    }
    try {
      executor.run(launch, stop);
    } finally {
      give(new Prepared(launch, request.generation()));
    }
  }

  private PtxLaunch take(LaunchRequest request) {
    @Nullable Prepared found;
    synchronized (prepared) {
      prepared.removeIf(each -> each.generation() != request.generation());
      found = prepared.poll();
    }
    return found == null ? prepare(request) : found.launch();
  }

  private PtxLaunch prepare(LaunchRequest request) {
    PtxLaunch launch = kernel.newLaunch().output(output);
    for (MemorySegment range : request.ranges()) {
      launch.alsoReachable(range, 0, range.byteSize());
    }
    return launch;
  }

  private void give(Prepared launch) {
    synchronized (prepared) {
      if (prepared.size() < MAX_PREPARED) {
        prepared.push(launch);
      }
    }
  }
}
