package io.farwarp.gateway.book;

import java.util.HashMap;
import java.util.Map;

/**
 * What a name has to be like, without regard to case: {@code *} stands for any characters, {@code
 * ?} for one; an empty pattern for every name. A fleet has few names and many devices, so each name
 * is compared once: a pattern that is made to be slow costs no more than another. One thread at a
 * time.
 */
final class NamePattern {
  static final int MAX_LENGTH = 64;

  /** Names that are remembered; beyond that, they are compared again. */
  private static final int REMEMBERED = 256;

  private static final NamePattern ANY = new NamePattern("");

  private final String pattern;
  private final Map<String, Boolean> known = new HashMap<>(0);

  private NamePattern(String pattern) {
    this.pattern = pattern;
  }

  static NamePattern of(String pattern) {
    return pattern.isEmpty() ? ANY : new NamePattern(pattern);
  }

  boolean matches(String name) {
    if (pattern.isEmpty()) {
      return true;
    }
    Boolean before = known.get(name);
    if (before != null) {
      return before;
    }
    if (known.size() == REMEMBERED) {
      known.clear();
    }
    boolean matches = compare(name);
    known.put(name, matches);
    return matches;
  }

  /**
   * What a {@code *} stands for is made longer only for the last one that was met: the shortest
   * that fits is right for those before it. So it takes no more steps than both lengths multiplied.
   */
  private boolean compare(String name) {
    int next = 0;
    int at = 0;
    int afterStar = -1;
    int starEnd = 0;
    while (at < name.length()) {
      if (next < pattern.length() && pattern.charAt(next) == '*') {
        afterStar = ++next;
        starEnd = at;
      } else if (next < pattern.length() && fits(pattern.charAt(next), name.charAt(at))) {
        next++;
        at++;
      } else if (afterStar >= 0) {
        next = afterStar;
        at = ++starEnd;
      } else {
        return false;
      }
    }
    while (next < pattern.length() && pattern.charAt(next) == '*') {
      next++;
    }
    return next == pattern.length();
  }

  private static boolean fits(char wanted, char found) {
    return wanted == '?'
        || Character.toLowerCase(Character.toUpperCase(wanted))
            == Character.toLowerCase(Character.toUpperCase(found));
  }

  @Override
  public String toString() {
    return pattern;
  }
}
