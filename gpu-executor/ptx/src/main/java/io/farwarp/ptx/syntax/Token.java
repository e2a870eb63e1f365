package io.farwarp.ptx.syntax;

/**
 * One word of PTX text.
 *
 * @param bits the value of a number: an integer, or the IEEE bits of a float
 */
record Token(Kind kind, String text, int line, long bits) {
  enum Kind {
    /** A name: register, label, symbol or opcode. */
    NAME,
    /** A dot and what follows it, without the dot: directive, type or modifier. */
    DOTTED,
    INTEGER,
    /** A float given as its 32 bits, {@code 0f3F800000}. */
    FLOAT32,
    /** A float given as its 64 bits or in decimal. */
    FLOAT64,
    STRING,
    PUNCTUATION,
    END
  }

  boolean is(String punctuation) {
    return kind == Kind.PUNCTUATION && text.equals(punctuation);
  }

  boolean isDotted(String word) {
    return kind == Kind.DOTTED && text.equals(word);
  }

  boolean isNumber() {
    return kind == Kind.INTEGER || kind == Kind.FLOAT32 || kind == Kind.FLOAT64;
  }

  @Override
  public String toString() {
    return switch (kind) {
      case DOTTED -> "'." + text + "'";
      case END -> "end of text";
      default -> "'" + text + "'";
    };
  }
}
