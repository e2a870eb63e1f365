package io.farwarp.cli.bench;

import org.jspecify.annotations.Nullable;

/**
 * One figure, beside its baseline from the same run.
 *
 * @param figure what was measured
 * @param unit of {@code ours}, {@code p99} and {@code baseline}
 * @param ours median
 * @param p99 99th percentile of ours, NaN where there is none
 * @param baseline median of the baseline, NaN where there is none
 * @param baselineName what the baseline is
 * @param ratio ours over baseline, NaN without a baseline
 * @param reach the figure to reach, in words; empty where the figure is only stated
 * @param met whether it was reached; null where it is only stated
 */
public record BenchRow(
    String figure,
    String unit,
    double ours,
    double p99,
    double baseline,
    String baselineName,
    double ratio,
    String reach,
    @Nullable Boolean met) {

  /** A figure without a baseline and without a reach. */
  public static BenchRow stated(String figure, String unit, double ours, double p99) {
    return new BenchRow(figure, unit, ours, p99, Double.NaN, "", Double.NaN, "", null);
  }

  /** A figure beside a baseline, only stated. */
  public static BenchRow compared(
      String figure, String unit, double ours, double p99, double baseline, String baselineName) {
    return new BenchRow(figure, unit, ours, p99, baseline, baselineName, ours / baseline, "", null);
  }

  /** The same with what was to be reached, and whether it was. */
  public BenchRow reaching(String reach, boolean met) {
    return new BenchRow(figure, unit, ours, p99, baseline, baselineName, ratio, reach, met);
  }
}
