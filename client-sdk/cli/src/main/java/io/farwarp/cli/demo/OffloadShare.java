package io.farwarp.cli.demo;

import java.util.OptionalDouble;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * The share of the options that the worker prices.
 *
 * @param fixed 0 to 1; empty: the sides balance themselves by their measured rates
 */
record OffloadShare(OptionalDouble fixed) {

  /** From the command line: a number or {@code auto}. */
  static final class Text implements ITypeConverter<OffloadShare> {
    @Override
    public OffloadShare convert(String text) {
      if (text.equals("auto")) {
        return new OffloadShare(OptionalDouble.empty());
      }
      try {
        double share = Double.parseDouble(text);
        if (share >= 0 && share <= 1) {
          return new OffloadShare(OptionalDouble.of(share));
        }
      } catch (NumberFormatException e) {
        throw new TypeConversionException("'" + text + "' is no number of 0 to 1, nor 'auto'");
      }
      throw new TypeConversionException(text + " is outside 0 to 1");
    }
  }
}
