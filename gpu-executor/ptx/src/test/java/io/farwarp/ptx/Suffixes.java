package io.farwarp.ptx;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * All texts that a pattern of the instruction set matches. The patterns are finite: they have
 * letters, {@code \.}, {@code [ab]}, {@code (a|b)} and {@code ?}.
 */
final class Suffixes {
  private final String pattern;
  private int at;

  private Suffixes(String pattern) {
    this.pattern = pattern;
  }

  static Set<String> of(String pattern) {
    Suffixes suffixes = new Suffixes(pattern);
    Set<String> all = new LinkedHashSet<>(suffixes.alternatives());
    if (suffixes.at != pattern.length()) {
      throw new IllegalArgumentException(pattern + " at " + suffixes.at);
    }
    return all;
  }

  private List<String> alternatives() {
    List<String> all = new ArrayList<>(sequence());
    while (at < pattern.length() && pattern.charAt(at) == '|') {
      at++;
      all.addAll(sequence());
    }
    return all;
  }

  private List<String> sequence() {
    List<String> all = List.of("");
    while (at < pattern.length() && "|)".indexOf(pattern.charAt(at)) < 0) {
      List<String> next = new ArrayList<>(atom());
      if (at < pattern.length() && pattern.charAt(at) == '?') {
        at++;
        next.add(0, "");
      }
      List<String> longer = new ArrayList<>();
      for (String head : all) {
        for (String tail : next) {
          longer.add(head + tail);
        }
      }
      all = longer;
    }
    return all;
  }

  private List<String> atom() {
    char c = pattern.charAt(at++);
    return switch (c) {
      case '(' -> {
        List<String> inner = alternatives();
        at++;
        yield inner;
      }
      case '[' -> {
        List<String> letters = new ArrayList<>();
        while (pattern.charAt(at) != ']') {
          letters.add(String.valueOf(pattern.charAt(at++)));
        }
        at++;
        yield letters;
      }
      case '\\' -> List.of(String.valueOf(pattern.charAt(at++)));
      default -> {
        if ("?*+{".indexOf(c) >= 0) {
          throw new IllegalArgumentException(pattern + " at " + (at - 1));
        }
        yield List.of(String.valueOf(c));
      }
    };
  }
}
