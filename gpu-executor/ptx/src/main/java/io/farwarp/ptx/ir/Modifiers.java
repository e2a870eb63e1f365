package io.farwarp.ptx.ir;

import io.farwarp.ptx.PtxType;
import java.util.ArrayList;
import java.util.List;

/** What stands behind an opcode's first word: flags, rounding, state space and types. */
public final class Modifiers {
  private final List<String> words;
  private final List<PtxType> types = new ArrayList<>();

  Modifiers(String suffix) {
    words = suffix.isEmpty() ? List.of() : List.of(suffix.substring(1).split("\\.", -1));
    for (String word : words) {
      PtxType type = PtxType.ofKeyword(word);
      if (type != null) {
        types.add(type);
      }
    }
  }

  public boolean has(String word) {
    return words.contains(word);
  }

  /** The first modifier, such as the comparison of {@code setp.lt.s32}. */
  public String first() {
    return words.get(0);
  }

  /** A modifier by its place, from 0. */
  public String word(int index) {
    return words.get(index);
  }

  /** The first of {@code candidates} that is present, or {@code otherwise}. */
  public String oneOf(String otherwise, String... candidates) {
    for (String candidate : candidates) {
      if (words.contains(candidate)) {
        return candidate;
      }
    }
    return otherwise;
  }

  /** The last type: the one that operands have unless a form says otherwise. */
  public PtxType type() {
    return types.get(types.size() - 1);
  }

  public PtxType type(int index) {
    return types.get(index);
  }

  public boolean hasType() {
    return !types.isEmpty();
  }

  /** {@code n}, {@code z}, {@code m} or {@code p}: to nearest even, zero, down, up. */
  public char rounding() {
    return oneOf("rn", "rz", "rm", "rp").charAt(1);
  }
}
