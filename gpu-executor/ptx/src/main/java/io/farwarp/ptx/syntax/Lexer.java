package io.farwarp.ptx.syntax;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.syntax.Token.Kind;
import java.math.BigInteger;

/** Cuts PTX text into tokens; comments and white space are dropped. */
final class Lexer {
  private static final int MAX_WORD_CHARS = 4096;
  private static final BigInteger MAX_U64 = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

  private final String text;
  private int at;
  private int line = 1;

  Lexer(String text) {
    this.text = text;
  }

  Token next() throws PtxException {
    skipBlank();
    if (at >= text.length()) {
      return new Token(Kind.END, "", line, 0);
    }
    char c = text.charAt(at);
    if (isNameStart(c)) {
      return word(Kind.NAME, at);
    }
    if (c == '.' && at + 1 < text.length() && isNamePart(text.charAt(at + 1))) {
      at++;
      return dotted();
    }
    if (isDigit(c)) {
      return number();
    }
    if (c == '"') {
      return string();
    }
    at++;
    return new Token(Kind.PUNCTUATION, String.valueOf(c), line, 0);
  }

  /** Drops the rest of the line: {@code .loc} and {@code .file} have no terminator. */
  void skipLine() {
    while (at < text.length() && text.charAt(at) != '\n') {
      at++;
    }
  }

  private void skipBlank() throws PtxException {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == '\n') {
        line++;
        at++;
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
        at++;
      } else if (text.startsWith("//", at)) {
        skipLine();
      } else if (text.startsWith("/*", at)) {
        skipComment();
      } else {
        return;
      }
    }
  }

  private void skipComment() throws PtxException {
    int opened = line;
    at += 2;
    while (!text.startsWith("*/", at)) {
      if (at >= text.length()) {
        throw new PtxException(opened, "comment is not closed");
      }
      if (text.charAt(at++) == '\n') {
        line++;
      }
    }
    at += 2;
  }

  private Token word(Kind kind, int start) throws PtxException {
    int end = start + 1;
    while (end < text.length() && isNamePart(text.charAt(end))) {
      end++;
    }
    return cut(kind, start, end);
  }

  private Token dotted() throws PtxException {
    int end = at;
    while (end < text.length() && (isNamePart(text.charAt(end)) || text.startsWith("::", end))) {
      end += text.charAt(end) == ':' ? 2 : 1;
    }
    return cut(Kind.DOTTED, at, end);
  }

  private Token cut(Kind kind, int start, int end) throws PtxException {
    if (end - start > MAX_WORD_CHARS) {
      throw new PtxException(line, "a name is longer than " + MAX_WORD_CHARS + " characters");
    }
    at = end;
    return new Token(kind, text.substring(start, end), line, 0);
  }

  private Token string() throws PtxException {
    int end = text.indexOf('"', at + 1);
    if (end < 0 || text.substring(at, end).indexOf('\n') >= 0) {
      throw new PtxException(line, "string is not closed");
    }
    Token token = new Token(Kind.STRING, text.substring(at + 1, end), line, 0);
    at = end + 1;
    return token;
  }

  private Token number() throws PtxException {
    int start = at;
    int end = at;
    while (end < text.length() && isNumberPart(start, end)) {
      end++;
    }
    at = end;
    String word = text.substring(start, end);
    try {
      return number(word);
    } catch (NumberFormatException e) {
      throw new PtxException(line, "'" + shorten(word) + "' is not a number", e);
    }
  }

  private boolean isNumberPart(int start, int at) {
    char c = text.charAt(at);
    if (isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.') {
      return true;
    }
    // A sign belongs to the number after a decimal exponent only: 1.5e-3.
    char before = at > start ? text.charAt(at - 1) : ' ';
    return (c == '-' || c == '+')
        && (before == 'e' || before == 'E')
        && text.substring(start, at).indexOf('.') >= 0;
  }

  private Token number(String word) {
    if (word.length() <= 18 && word.chars().allMatch(c -> c >= '0' && c <= '9')) {
      boolean octal = word.length() > 1 && word.charAt(0) == '0';
      return new Token(Kind.INTEGER, word, line, Long.parseLong(word, octal ? 8 : 10));
    }
    if (word.length() > 400) {
      throw new NumberFormatException("too long");
    }
    char second = word.length() > 1 ? Character.toLowerCase(word.charAt(1)) : ' ';
    boolean prefixed = word.charAt(0) == '0';
    if (prefixed && second == 'f' && word.length() == 10) {
      long bits = Integer.parseUnsignedInt(word, 2, 10, 16) & 0xFFFFFFFFL;
      return new Token(Kind.FLOAT32, word, line, bits);
    }
    if (prefixed && second == 'd' && word.length() == 18) {
      return new Token(Kind.FLOAT64, word, line, Long.parseUnsignedLong(word, 2, 18, 16));
    }
    if (second != 'x' && (word.indexOf('.') >= 0 || word.matches("[0-9]+[eE][0-9]+"))) {
      if (!word.matches("[0-9]*\\.?[0-9]*([eE][-+]?[0-9]+)?")) {
        throw new NumberFormatException(word);
      }
      return new Token(
          Kind.FLOAT64, word, line, Double.doubleToRawLongBits(Double.parseDouble(word)));
    }
    return new Token(Kind.INTEGER, word, line, integer(word, prefixed, second));
  }

  private static long integer(String word, boolean prefixed, char second) {
    String digits = word;
    if (digits.endsWith("U") || digits.endsWith("u")) {
      digits = digits.substring(0, digits.length() - 1);
    }
    BigInteger value;
    if (prefixed && second == 'x') {
      value = new BigInteger(unsigned(digits.substring(2)), 16);
    } else if (prefixed && second == 'b') {
      value = new BigInteger(unsigned(digits.substring(2)), 2);
    } else if (prefixed && digits.length() > 1) {
      value = new BigInteger(unsigned(digits.substring(1)), 8);
    } else {
      value = new BigInteger(unsigned(digits), 10);
    }
    if (value.compareTo(MAX_U64) > 0) {
      throw new NumberFormatException("more than 64 bits");
    }
    return value.longValue();
  }

  private static String unsigned(String digits) {
    if (digits.isEmpty()) {
      throw new NumberFormatException("no digits");
    }
    return digits;
  }

  static String shorten(String word) {
    return word.length() <= 60 ? word : word.substring(0, 60) + "...";
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static boolean isNameStart(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '%';
  }

  private static boolean isNamePart(char c) {
    return isDigit(c) || (isNameStart(c) && c != '%');
  }
}
