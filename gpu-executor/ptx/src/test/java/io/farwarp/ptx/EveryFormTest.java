package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.farwarp.ptx.Conformance.Case;
import io.farwarp.ptx.ir.InstructionSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * No form of an instruction is without a conformance case: every combination of types occurs in
 * one, and every modifier together with every combination of types that it goes with. What the
 * other tests do not have is made here from {@link Definitions}.
 */
final class EveryFormTest {
  private static final Pattern INSTRUCTION =
      Pattern.compile("(?:^|[;:])\\s*(?:@!?\\w+\\s+)?([a-z]\\w*)((?:\\.\\w+(?:::\\w+)*)*)\\s");

  /** Whose effects are not a value of their operands: other tests run them. */
  private static final Set<String> ELSEWHERE =
      Set.of(
          "ld",
          "bar",
          "barrier",
          "shfl",
          "vote",
          "match",
          "redux",
          "activemask",
          "elect",
          "isspacep",
          "ldu",
          "st",
          "atom",
          "red",
          "mov",
          "cvta",
          "bra",
          "brx",
          "call",
          "ret",
          "exit",
          "trap",
          "brkpt",
          "membar",
          "fence",
          "prefetch",
          "prefetchu",
          "applypriority",
          "discard",
          "pmevent",
          "griddepcontrol",
          "nanosleep",
          "createpolicy",
          "alloca",
          "stacksave",
          "stackrestore",
          "cp");

  /** Each modifier, and none, with the types. */
  private static Set<String> traits(String name, String suffix) {
    List<String> flags = new ArrayList<>(List.of(""));
    StringBuilder types = new StringBuilder();
    for (String word : suffix.isEmpty() ? new String[0] : suffix.substring(1).split("\\.")) {
      if (PtxType.ofKeyword(word) != null || word.matches("[us][248]")) {
        types.append('.').append(word);
      } else {
        flags.add("." + word);
      }
    }
    Set<String> traits = new TreeSet<>();
    flags.forEach(flag -> traits.add(name + " " + flag + " " + types));
    return traits;
  }

  private static Set<String> covered() {
    Set<String> covered = new TreeSet<>();
    for (String code : Cases.allCode()) {
      Matcher matcher = INSTRUCTION.matcher(code);
      for (int at = 0; matcher.find(at); at = matcher.end() - 1) {
        covered.addAll(traits(matcher.group(1), matcher.group(2)));
      }
    }
    return covered;
  }

  private record Written(String name, String suffix) {
    Set<String> traits() {
      return EveryFormTest.traits(name, suffix);
    }
  }

  private static Stream<Written> all() {
    return new TreeMap<>(InstructionSet.forms())
        .entrySet().stream()
            .filter(entry -> !ELSEWHERE.contains(entry.getKey()))
            .flatMap(entry ->
                entry.getValue().stream()
                    .flatMap(form -> Suffixes.of(form.suffix().pattern()).stream())
                    .map(suffix -> new Written(entry.getKey(), suffix)));
  }

  /** Those with a trait that no other case has. */
  private static Stream<Written> missing() {
    Set<String> covered = covered();
    return all().filter(form -> covered.addAll(form.traits()));
  }

  private static Stream<Case> defined(Stream<Written> forms) {
    return forms.flatMap(form -> Stream.ofNullable(Definitions.of(form.name(), form.suffix())));
  }

  @Test
  void every_form_has_a_case_or_a_definition() {
    List<Written> without =
        missing().filter(form -> Definitions.of(form.name(), form.suffix()) == null).toList();
    assertEquals(List.of(), without);
  }

  static Stream<Case> missingForms() {
    return defined(missing());
  }

  static Stream<Case> allForms() {
    return defined(all());
  }

  @ParameterizedTest
  @MethodSource("missingForms")
  void form_agrees_with_its_definition(Case test) throws Exception {
    Conformance.check(test);
  }

  @Tag("full")
  @ParameterizedTest
  @MethodSource("allForms")
  void form_agrees_with_its_definition_with_every_combination_of_modifiers(Case test)
      throws Exception {
    Conformance.check(test);
  }
}
