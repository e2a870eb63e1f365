package io.farwarp.gateway.book;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NamePatternTest {
  @ParameterizedTest
  @CsvSource({
    "NVIDIA H100 80GB HBM3, true",
    "nvidia h100 80gb hbm3, true",
    "NVIDIA H100, false",
    "H100, false",
    "*H100*, true",
    "*h1?0*, true",
    "*H1?00*, false",
    "NVIDIA*HBM3, true",
    "NVIDIA*HBM, false",
    "*, true",
    "**?*, true",
    "*A100*, false",
    "*0*0*0*0*, false",
    "*.*, false",
  })
  void name_is_matched_as_a_whole_and_without_regard_to_case(String pattern, boolean matches) {
    NamePattern compiled = NamePattern.of(pattern);
    assertEquals(matches, compiled.matches("NVIDIA H100 80GB HBM3"));
    assertEquals(matches, compiled.matches("NVIDIA H100 80GB HBM3"), "once more");
  }

  @Test
  void empty_pattern_takes_every_name_and_a_star_the_empty_one() {
    assertEquals(true, NamePattern.of("").matches("any"));
    assertEquals(true, NamePattern.of("*").matches(""));
    assertEquals(false, NamePattern.of("?").matches(""));
  }

  /** One that tries all ways to share the name among the stars would not end. */
  @Test
  void pattern_that_is_made_to_be_slow_is_answered() {
    NamePattern slow = NamePattern.of("*a".repeat(31) + "b");
    assertEquals(false, slow.matches("a".repeat(255) + "c"));
  }

  /** More names than are remembered, and patterns in which stars and repetitions abound. */
  @Test
  void random_patterns_match_what_regular_expressions_match() {
    Random random = new Random(20_260_301);
    for (int i = 0; i < 300; i++) {
      String pattern = text(random, "aab*?", 1 + random.nextInt(8));
      NamePattern compiled = NamePattern.of(pattern);
      Pattern expected = Pattern.compile(pattern.replace("*", ".*").replace("?", "."));
      for (int j = 0; j < 400; j++) {
        String name = text(random, "ab", random.nextInt(12));
        assertEquals(
            expected.matcher(name).matches(), compiled.matches(name), pattern + " on " + name);
      }
    }
  }

  private static String text(Random random, String letters, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append(letters.charAt(random.nextInt(letters.length())));
    }
    return text.toString();
  }
}
