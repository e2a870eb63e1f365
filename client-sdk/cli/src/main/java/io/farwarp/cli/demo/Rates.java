package io.farwarp.cli.demo;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;

/**
 * What was measured: each kind of run several times, in turn, so that a disturbance hits all alike.
 *
 * @param local local threads alone
 * @param remote the worker alone
 * @param both the two at once
 * @param plain as many plain local threads as the two sides have together
 */
record Rates(
    List<PricingJob.Run> local,
    List<PricingJob.Run> remote,
    List<PricingJob.Run> both,
    List<PricingJob.Run> plain) {

  /** Options per second of the median run. */
  static double perSecond(List<PricingJob.Run> runs) {
    return median(runs).optionsPerSecond();
  }

  /** The run whose rate is the median. */
  static PricingJob.Run median(List<PricingJob.Run> runs) {
    List<PricingJob.Run> sorted =
        runs.stream().sorted(Comparator.comparingDouble(PricingJob.Run::optionsPerSecond)).toList();
    return sorted.get(sorted.size() / 2);
  }

  /** Options/s of both sides at once over local threads alone. */
  double speedup() {
    return perSecond(both) / perSecond(local);
  }

  /**
   * What offloading keeps of the ideal: both at once over the sum of each alone, divided by what
   * plain local threads keep of theirs, as cores share power and memory in any case. The median
   * over the rounds, each of which compares runs that were made close together.
   *
   * @param localThreads threads of the local side
   * @param remoteThreads threads of the worker
   */
  double efficiency(int localThreads, int remoteThreads) {
    double[] rounds = new double[both.size()];
    for (int i = 0; i < rounds.length; i++) {
      double alone = local.get(i).optionsPerSecond();
      double kept = both.get(i).optionsPerSecond() / (alone + remote.get(i).optionsPerSecond());
      double ideal = alone * (localThreads + remoteThreads) / localThreads;
      rounds[i] = kept / (plain.get(i).optionsPerSecond() / ideal);
    }
    Arrays.sort(rounds);
    return rounds[rounds.length / 2];
  }

  /** A run of each kind. */
  void add(
      Supplier<PricingJob.Run> localRun,
      Supplier<PricingJob.Run> remoteRun,
      Supplier<PricingJob.Run> bothRun,
      Supplier<PricingJob.Run> plainRun) {
    local.add(localRun.get());
    remote.add(remoteRun.get());
    plain.add(plainRun.get());
    both.add(bothRun.get());
  }
}
