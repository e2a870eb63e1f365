package io.farwarp.samples;

/**
 * How far prices are from the double-precision reference, over a range of options.
 *
 * @param options how many were compared
 * @param wrong how many are further off than {@link BlackScholes#TOLERANCE} allows, or not numbers
 * @param firstWrong index of the first of them, -1 if there is none
 * @param greatest greatest absolute error
 * @param sum of the absolute errors
 */
public record PriceErrors(long options, long wrong, long firstWrong, double greatest, double sum) {

  /** No options compared yet. */
  public static final PriceErrors NONE = new PriceErrors(0, 0, -1, 0, 0);

  /** The errors of both ranges, the other one being after this one. */
  public PriceErrors plus(PriceErrors other) {
    return new PriceErrors(
        options + other.options,
        wrong + other.wrong,
        firstWrong >= 0 ? firstWrong : other.firstWrong,
        Math.max(greatest, other.greatest),
        sum + other.sum);
  }

  /** Mean absolute error; 0 where nothing was compared. */
  public double mean() {
    return options == 0 ? 0 : sum / options;
  }
}
