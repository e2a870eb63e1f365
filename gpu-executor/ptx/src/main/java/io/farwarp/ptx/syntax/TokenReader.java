package io.farwarp.ptx.syntax;

import io.farwarp.ptx.PtxException;

/** The token stream with one token of look-ahead, and the expectations that parsers share. */
final class TokenReader {
  private final Lexer lexer;
  private Token current;

  TokenReader(String text) throws PtxException {
    lexer = new Lexer(text);
    current = lexer.next();
  }

  Token peek() {
    return current;
  }

  int line() {
    return current.line();
  }

  Token take() throws PtxException {
    Token taken = current;
    current = lexer.next();
    return taken;
  }

  /** Drops the rest of the current token's line. */
  void skipLine() throws PtxException {
    lexer.skipLine();
    current = lexer.next();
  }

  /** Drops what is left of a line that was begun. */
  void skipRest(int line) throws PtxException {
    if (current.kind() != Token.Kind.END && current.line() == line) {
      skipLine();
    }
  }

  boolean accept(String punctuation) throws PtxException {
    if (current.is(punctuation)) {
      take();
      return true;
    }
    return false;
  }

  boolean acceptDotted(String word) throws PtxException {
    if (current.isDotted(word)) {
      take();
      return true;
    }
    return false;
  }

  void expect(String punctuation) throws PtxException {
    if (!accept(punctuation)) {
      throw wanted("'" + punctuation + "'");
    }
  }

  String expectName(String what) throws PtxException {
    if (current.kind() != Token.Kind.NAME) {
      throw wanted(what);
    }
    return take().text();
  }

  String expectDotted(String what) throws PtxException {
    if (current.kind() != Token.Kind.DOTTED) {
      throw wanted(what);
    }
    return take().text();
  }

  /** A non-negative integer of at most {@code limit}. */
  long expectInteger(String what, long limit) throws PtxException {
    if (current.kind() != Token.Kind.INTEGER) {
      throw wanted(what);
    }
    Token token = take();
    if (token.bits() < 0 || token.bits() > limit) {
      throw new PtxException(
          token.line(), what + " " + Lexer.shorten(token.text()) + " is over the limit " + limit);
    }
    return token.bits();
  }

  PtxException wanted(String what) {
    return new PtxException(
        line(), "expected " + what + ", found " + Lexer.shorten(current.toString()));
  }
}
