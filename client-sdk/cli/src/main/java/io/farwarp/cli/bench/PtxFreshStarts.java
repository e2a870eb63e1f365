package io.farwarp.cli.bench;

import io.farwarp.cli.JavaCommand;
import io.farwarp.cli.TemporaryDirectory;
import io.farwarp.executor.agent.WorkerJvm;
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
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Scanner;

/**
 * What a process that has not done it before needs to load a module and to launch a kernel. Main of
 * such a process, which prints three times in nanoseconds; its argument is a cache of modules.
 */
public final class PtxFreshStarts {
  private static final int PROCESSES = 7;
  private static final int LAUNCHES = 100;
  private static final int ELEMENTS = 1024;
  private static final double LOAD_REACH_MS = 500;
  private static final double CACHED_REACH_MS = 150;

  /** Of one process, in nanoseconds. */
  private record Times(long load, long firstLaunch, long hundredthLaunch) {}

  private PtxFreshStarts() {}

  public static void main(String[] arguments) throws IOException, PtxException, PtxFault {
    String text = PtxKernels.text();
    PtxOptions options = PtxOptions.defaults().cachedIn(Path.of(arguments[0]));
    long startNs = System.nanoTime();
    try (PtxModule module = PtxModule.load(text, options)) {
      long loadNs = System.nanoTime() - startNs;
      long[] launchNs = launch(module);
      System.out.println(loadNs + " " + launchNs[0] + " " + launchNs[LAUNCHES - 1]);
    }
  }

  /** How long each of a hundred launches of a small kernel takes. */
  private static long[] launch(PtxModule module) throws PtxFault {
    long[] ns = new long[LAUNCHES];
    try (Arena arena = Arena.ofShared();
        PtxExecutor executor = PtxExecutor.create(1)) {
      long bytes = ELEMENTS * (long) Float.BYTES;
      MemorySegment memory = arena.allocate(bytes, 64);
      PtxLaunch launch = module.kernel("saxpy").newLaunch();
      launch.grid(ELEMENTS / PtxKernels.BLOCK, 1, 1).block(PtxKernels.BLOCK, 1, 1);
      launch.scalar(0, 0).pointer(1, memory, 0, bytes).pointer(2, memory, 0, bytes);
      launch.scalar(3, ELEMENTS);
      StopSignal never = new StopSignal();
      for (int i = 0; i < LAUNCHES; i++) {
        long startNs = System.nanoTime();
        executor.run(launch, never);
        ns[i] = System.nanoTime() - startNs;
      }
    }
    return ns;
  }

  static List<BenchRow> rows() throws IOException {
    List<Times> fresh = new ArrayList<>();
    List<Times> cached = new ArrayList<>();
    for (int i = 0; i < PROCESSES; i++) {
      try (TemporaryDirectory directory = TemporaryDirectory.create("farwarp-bench-")) {
        fresh.add(once(directory.path()));
        cached.add(once(directory.path()));
      }
    }
    double[] first = sorted(fresh.stream().mapToDouble(t -> t.firstLaunch() / 1e3));
    double[] hundredth = sorted(fresh.stream().mapToDouble(t -> t.hundredthLaunch() / 1e3));
    return List.of(
        load("load a module of 16 kernels, fresh JVM", fresh, LOAD_REACH_MS),
        load("the same from the cache, another fresh JVM", cached, CACHED_REACH_MS),
        BenchRow.compared(
            "first launch of saxpy, 1024 elements, fresh JVM",
            "us",
            first[PROCESSES / 2],
            first[PROCESSES - 1],
            hundredth[PROCESSES / 2],
            "the hundredth"));
  }

  private static BenchRow load(String figure, List<Times> times, double reachMs) {
    double[] loads = sorted(times.stream().mapToDouble(t -> t.load() / 1e6));
    double loadMs = loads[PROCESSES / 2];
    return BenchRow.stated(figure, "ms", loadMs, loads[PROCESSES - 1])
        .reaching(Math.round(reachMs) + " ms", loadMs <= reachMs);
  }

  private static double[] sorted(java.util.stream.DoubleStream values) {
    double[] array = values.toArray();
    Arrays.sort(array);
    return array;
  }

  private static Times once(Path cache) throws IOException {
    String printed =
        CCompiler.run(
            JavaCommand.of(PtxFreshStarts.class, WorkerJvm.options(), List.of(cache.toString())));
    Scanner times = new Scanner(printed);
    return new Times(times.nextLong(), times.nextLong(), times.nextLong());
  }
}
