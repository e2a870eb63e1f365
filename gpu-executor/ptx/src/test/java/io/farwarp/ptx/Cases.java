package io.farwarp.ptx;

import io.farwarp.ptx.Conformance.Case;
import java.util.List;
import java.util.stream.Stream;

/** All conformance cases, to see what they cover. */
final class Cases {
  private Cases() {}

  static List<String> allCode() {
    Stream<List<Case>> cases =
        Stream.of(
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
            PackedInstructionsTest.conversions());
    Stream<String> approximate =
        Stream.concat(HalfInstructionsTest.approximate(), FloatInstructionsTest.approximate())
            .map(name -> name + " ");
    return Stream.concat(cases.flatMap(List::stream).map(Case::code), approximate).toList();
  }
}
