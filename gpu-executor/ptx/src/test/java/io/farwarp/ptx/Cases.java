package io.farwarp.ptx;

import io.farwarp.ptx.Conformance.Case;
import java.util.List;
import java.util.stream.Stream;

/** All conformance cases, to see what they cover. */
final class Cases {
  private Cases() {}

  /** Those that state their result to the bit. */
  static List<Case> exact() {
    return Stream.of(
            IntegerInstructionsTest.arithmetic(),
            IntegerInstructionsTest.saturatingAndNarrow(),
            IntegerInstructionsTest.carries(),
            IntegerInstructionsTest.bits(),
            IntegerInstructionsTest.words(),
            ComparisonInstructionsTest.comparisons(),
            ComparisonInstructionsTest.combined(),
            FloatInstructionsTest.nearest(),
            FloatInstructionsTest.directed(),
            FloatInstructionsTest.tests(),
            FloatInstructionsTest.specialValues(),
            ConversionInstructionsTest.integers(),
            ConversionInstructionsTest.floatToInteger(),
            ConversionInstructionsTest.integerToFloat(),
            ConversionInstructionsTest.floatToFloat(),
            HalfInstructionsTest.arithmetic(),
            HalfInstructionsTest.choices(),
            HalfInstructionsTest.comparisons(),
            HalfInstructionsTest.conversions(),
            PackedInstructionsTest.bits(),
            PackedInstructionsTest.packed(),
            PackedInstructionsTest.products(),
            PackedInstructionsTest.conversions())
        .flatMap(List::stream)
        .toList();
  }

  static List<String> allCode() {
    Stream<String> approximate =
        Stream.concat(HalfInstructionsTest.approximate(), FloatInstructionsTest.approximate())
            .map(name -> name + " ");
    return Stream.concat(exact().stream().map(Case::code), approximate).toList();
  }
}
