package io.farwarp.ptx.syntax;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.syntax.SourceOperand.NumberKind;

/** Numbers with their signs, wherever they occur. */
final class Literals {
  private static final int MAX_SIGNS = 8;

  private Literals() {}

  /** A number with any of the prefixes {@code - + ~}. */
  static SourceOperand.Literal number(TokenReader tokens) throws PtxException {
    return number(tokens, 0);
  }

  private static SourceOperand.Literal number(TokenReader tokens, int depth) throws PtxException {
    if (depth > MAX_SIGNS) {
      throw tokens.wanted("a number");
    }
    if (tokens.accept("-")) {
      return negate(number(tokens, depth + 1));
    }
    if (tokens.accept("+")) {
      return number(tokens, depth + 1);
    }
    if (tokens.accept("~")) {
      SourceOperand.Literal value = number(tokens, depth + 1);
      return new SourceOperand.Literal(value.kind(), ~value.bits());
    }
    Token token = tokens.peek();
    NumberKind kind =
        switch (token.kind()) {
          case INTEGER -> NumberKind.INTEGER;
          case FLOAT32 -> NumberKind.FLOAT32;
          case FLOAT64 -> NumberKind.FLOAT64;
          default -> throw tokens.wanted("a number");
        };
    tokens.take();
    return new SourceOperand.Literal(kind, token.bits());
  }

  private static SourceOperand.Literal negate(SourceOperand.Literal value) {
    long bits =
        switch (value.kind()) {
          case INTEGER -> -value.bits();
          case FLOAT32 -> value.bits() ^ 0x8000_0000L;
          case FLOAT64 -> value.bits() ^ Long.MIN_VALUE;
        };
    return new SourceOperand.Literal(value.kind(), bits);
  }

  /** {@code +8}, {@code -8}, {@code +-8} or nothing, which is 0. */
  static long optionalOffset(TokenReader tokens) throws PtxException {
    long offset = 0;
    for (int terms = 0; tokens.peek().is("+") || tokens.peek().is("-"); terms++) {
      if (terms > MAX_SIGNS) {
        throw tokens.wanted("the end of an offset");
      }
      boolean minus = tokens.take().is("-");
      SourceOperand.Literal number = number(tokens);
      if (number.kind() != NumberKind.INTEGER) {
        throw tokens.wanted("an integer offset");
      }
      offset += minus ? -number.bits() : number.bits();
    }
    return offset;
  }
}
