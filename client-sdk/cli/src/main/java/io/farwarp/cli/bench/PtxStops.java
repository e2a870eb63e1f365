package io.farwarp.cli.bench;

import io.farwarp.cli.CommandException;
import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxExecutor;
import io.farwarp.ptx.PtxFault;
import io.farwarp.ptx.PtxLaunch;
import io.farwarp.ptx.PtxModule;
import io.farwarp.ptx.PtxOptions;
import io.farwarp.ptx.StopSignal;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How long launches that never end run on after they were told to stop. */
final class PtxStops {
  private static final int STOPS = 25;

  /** What a launch runs before it is stopped, so that HotSpot has compiled some and not others. */
  private static final long LONGEST_RUN_NS = 100_000_000;

  private static final double REACH_MS = 100;
  private static final int BLOCKS = 64;

  private final PtxExecutor executor;

  private PtxStops(PtxExecutor executor) {
    this.executor = executor;
  }

  /** A row for each way never to end, on {@code threads} threads. */
  static List<BenchRow> rows(int threads) throws IOException {
    Map<String, String> kernels = new LinkedHashMap<>();
    kernels.put("tight", "a loop without memory");
    kernels.put("polling", "a loop that polls");
    kernels.put("indexed", "one closed by brx.idx");
    kernels.put("barriers", "a loop of barriers");
    kernels.put("calling", "a loop in a device function");
    kernels.put("tiny", "2147483647 tiny blocks");
    List<BenchRow> rows = new ArrayList<>();
    try (PtxModule module = PtxModule.load(PtxKernels.text("endless.ptx"), PtxOptions.defaults());
        PtxExecutor executor = PtxExecutor.create(threads);
        Arena arena = Arena.ofShared()) {
      MemorySegment begun = arena.allocate(Integer.BYTES, 64);
      PtxStops stops = new PtxStops(executor);
      for (Map.Entry<String, String> kernel : kernels.entrySet()) {
        PtxLaunch launch = module.kernel(kernel.getKey()).newLaunch();
        launch.grid(kernel.getKey().equals("tiny") ? Integer.MAX_VALUE : BLOCKS, 1, 1);
        launch.block(PtxKernels.BLOCK, 1, 1).pointer(0, begun, 0, begun.byteSize());
        rows.add(stops.row(kernel.getValue(), launch, begun));
      }
    } catch (PtxException e) {
      throw new CommandException("the benchmark's endless kernels cannot be loaded", e);
    }
    return rows;
  }

  private BenchRow row(String what, PtxLaunch launch, MemorySegment begun) {
    double[] ms = new double[STOPS];
    for (int i = 0; i < STOPS; i++) {
      ms[i] = stop(launch, begun, LONGEST_RUN_NS * i / STOPS) / 1e6;
    }
    Arrays.sort(ms);
    double longest = ms[STOPS - 1];
    return BenchRow.stated(
            "stopping " + what + "; p99 is the longest", "ms", ms[STOPS / 2], longest)
        .reaching(Math.round(REACH_MS) + " ms", longest <= REACH_MS);
  }

  /** From the signal to the launch's end, in nanoseconds. */
  private long stop(PtxLaunch launch, MemorySegment begun, long runNs) {
    begun.set(ValueLayout.JAVA_INT, 0, 0);
    StopSignal signal = new StopSignal();
    Thread runner = Thread.ofPlatform().name("stopped-launch").start(() -> runOn(launch, signal));
    while (begun.get(ValueLayout.JAVA_INT, 0) == 0 && runner.isAlive()) {
      Thread.onSpinWait();
    }
    long startNs = System.nanoTime();
    while (System.nanoTime() - startNs < runNs) {
      Thread.onSpinWait();
    }
    long stopNs = System.nanoTime();
    signal.stop();
    try {
      runner.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandException("interrupted while a launch was being stopped", e);
    }
    return System.nanoTime() - stopNs;
  }

  private void runOn(PtxLaunch launch, StopSignal signal) {
    try {
      executor.run(launch, signal);
      throw new IllegalStateException("an endless launch has ended");
    } catch (PtxFault fault) {
      if (fault.kind() != PtxFault.Kind.STOPPED) {
        throw new IllegalStateException(fault);
      }
    }
  }
}
