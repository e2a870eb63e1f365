package io.farwarp.executor.agent;

import java.util.List;

/** How the JVM of a worker is set up, beyond its paths. */
public final class WorkerJvm {
  private WorkerJvm() {}

  /** The options that decide how fast kernels load and run. */
  public static List<String> options() {
    return List.of(
        "-Xmx" + HostMemory.HEAP_BYTES,
        "-XX:+UseG1GC",
        "-XX:-UsePerfData",
        "-Xshare:auto",
        "-XX:-DontCompileHugeMethods",
        // A kernel's bounds checks, hoisted by profile, failed again and again on real data: C2
        // recompiled a kernel for as long as it ran, at a quarter of its speed (seen with
        // -Xlog:deoptimization=debug, reason profile_predicate).
        "-XX:-UseProfiledLoopPredicate");
  }
}
