package io.farwarp.function;

import java.util.Arrays;

/**
 * Reads the expressions of a manifest: 64-bit decimal integers, names, {@code + - * / %},
 * parentheses, {@code ceildiv(a, b)}, {@code min(a, b)}, {@code max(a, b)}.
 */
final class ExpressionParser {
  /** Characters of one expression. */
  static final int MAX_LENGTH = 512;

  /** Parentheses, calls and signs within each other. */
  static final int MAX_DEPTH = 32;

  /** Gives names their slots. */
  interface Names {
    /** The slot of the work array that holds the value of {@code name}. */
    int slotOf(String name) throws FunctionPackageException;
  }

  private final String text;
  private final Names names;
  private byte[] operations = new byte[8];
  private long[] operands = new long[8];
  private int length;
  private int position;
  private int depth;

  private ExpressionParser(String text, Names names) {
    this.text = text;
    this.names = names;
  }

  /**
   * Compiles {@code text}.
   *
   * @param resultSlot where a value that must be computed is kept
   * @param where what the text is, for errors: "grid x of launch 1"
   */
  static Expression parse(String text, Names names, int resultSlot, String where)
      throws FunctionPackageException {
    if (text.length() > MAX_LENGTH) {
      throw new FunctionPackageException(
          where + ": " + text.length() + " characters are over the limit of " + MAX_LENGTH);
    }
    ExpressionParser parser = new ExpressionParser(text, names);
    try {
      parser.sum();
      parser.skipSpace();
      if (parser.position < text.length()) {
        throw parser.unexpected();
      }
    } catch (FunctionPackageException e) {
      throw new FunctionPackageException(where + " is \"" + text + "\": " + e.getMessage(), e);
    }
    return new Expression(
        text.strip(),
        Arrays.copyOf(parser.operations, parser.length),
        Arrays.copyOf(parser.operands, parser.length),
        resultSlot);
  }

  private void sum() throws FunctionPackageException {
    product();
    while (true) {
      if (accept('+')) {
        product();
        emit(Expression.ADD, 0);
      } else if (accept('-')) {
        product();
        emit(Expression.SUBTRACT, 0);
      } else {
        return;
      }
    }
  }

  private void product() throws FunctionPackageException {
    operand();
    while (true) {
      byte operation;
      if (accept('*')) {
        operation = Expression.MULTIPLY;
      } else if (accept('/')) {
        operation = Expression.DIVIDE;
      } else if (accept('%')) {
        operation = Expression.REMAINDER;
      } else {
        return;
      }
      operand();
      emit(operation, 0);
    }
  }

  private void operand() throws FunctionPackageException {
    if (++depth > MAX_DEPTH) {
      throw new FunctionPackageException("nested deeper than " + MAX_DEPTH);
    }
    if (accept('-')) {
      operand();
      emit(Expression.NEGATE, 0);
    } else if (accept('(')) {
      sum();
      expect(')');
    } else if (position < text.length() && isDigit(text.charAt(position))) {
      number();
    } else if (position < text.length() && isLetter(text.charAt(position))) {
      nameOrCall();
    } else {
      throw unexpected();
    }
    depth--;
  }

  private void number() throws FunctionPackageException {
    int start = position;
    while (position < text.length() && isWord(text.charAt(position))) {
      position++;
    }
    String digits = text.substring(start, position);
    try {
      emit(Expression.CONSTANT, Long.parseLong(digits));
    } catch (NumberFormatException e) {
      throw new FunctionPackageException(digits + " is no integer of 0 to 2^63-1", e);
    }
  }

  private void nameOrCall() throws FunctionPackageException {
    int start = position;
    while (position < text.length() && isWord(text.charAt(position))) {
      position++;
    }
    String name = text.substring(start, position);
    if (!accept('(')) {
      emit(Expression.NAME, names.slotOf(name));
      return;
    }
    byte operation =
        switch (name) {
          case "ceildiv" -> Expression.CEILDIV;
          case "min" -> Expression.MIN;
          case "max" -> Expression.MAX;
          default ->
              throw new FunctionPackageException(
                  "no function is called " + name + "; there are ceildiv, min and max");
        };
    sum();
    expect(',');
    sum();
    expect(')');
    emit(operation, 0);
  }

  private void emit(byte operation, long operand) {
    if (length == operations.length) {
      operations = Arrays.copyOf(operations, 2 * length);
      operands = Arrays.copyOf(operands, 2 * length);
    }
    operations[length] = operation;
    operands[length++] = operand;
  }

  private boolean accept(char c) {
    skipSpace();
    if (position < text.length() && text.charAt(position) == c) {
      position++;
      return true;
    }
    return false;
  }

  private void expect(char c) throws FunctionPackageException {
    if (!accept(c)) {
      throw new FunctionPackageException("'" + c + "' is missing at character " + (position + 1));
    }
  }

  private void skipSpace() {
    while (position < text.length()
        && (text.charAt(position) == ' ' || text.charAt(position) == '\t')) {
      position++;
    }
  }

  private FunctionPackageException unexpected() {
    skipSpace();
    return new FunctionPackageException(
        position < text.length()
            ? "unexpected '" + text.charAt(position) + "' at character " + (position + 1)
            : "it ends too early");
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static boolean isLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }

  private static boolean isWord(char c) {
    return isDigit(c) || isLetter(c) || c == '_';
  }
}
