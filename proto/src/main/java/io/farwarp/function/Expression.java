package io.farwarp.function;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * An integer expression of a manifest, compiled. Its value after a successful {@link
 * FunctionSpec#bind} is a read from the work array (or a constant).
 *
 * <p>Arithmetic is on 64-bit signed integers; an overflow or a division by zero is an error, never
 * a wrong number. Division and remainder round toward zero; {@code ceildiv} rounds up.
 */
public final class Expression implements Argument {
  /* A program is in postfix order; names and constants alone need none. The operand of NAME is a
   * slot of the work array, that of CONSTANT a number. */
  static final byte CONSTANT = 0;
  static final byte NAME = 1;
  static final byte ADD = 2;
  static final byte SUBTRACT = 3;
  static final byte MULTIPLY = 4;
  static final byte DIVIDE = 5;
  static final byte REMAINDER = 6;
  static final byte CEILDIV = 7;
  static final byte MIN = 8;
  static final byte MAX = 9;
  static final byte NEGATE = 10;

  /** What an evaluation can come to. */
  enum Fault {
    OVERFLOW,
    DIVISION_BY_ZERO
  }

  private static final int NO_SLOT = -1;

  private final String text;
  private final byte[] operations;
  private final long[] operands;
  private final int slot;

  /** {@code resultSlot} is used only by an expression that must be computed. */
  Expression(String text, byte[] operations, long[] operands, int resultSlot) {
    this.text = text;
    this.operations = operations;
    this.operands = operands;
    if (operations.length > 1) {
      this.slot = resultSlot;
    } else {
      this.slot = operations[0] == NAME ? (int) operands[0] : NO_SLOT;
    }
  }

  /** The value, after a successful {@link FunctionSpec#bind} into {@code work}. */
  public long value(long[] work) {
    return slot == NO_SLOT ? operands[0] : work[slot];
  }

  /** True if it is a single name or number, so that nothing needs to be computed. */
  boolean isSimple() {
    return operations.length == 1;
  }

  /** True if it is nothing but the name whose value lives in {@code nameSlot}. */
  boolean isName(int nameSlot) {
    return isSimple() && operations[0] == NAME && operands[0] == nameSlot;
  }

  /** Operations, so that the largest stack that a program can need is known. */
  int length() {
    return operations.length;
  }

  boolean uses(int nameSlot) {
    for (int i = 0; i < operations.length; i++) {
      if (operations[i] == NAME && operands[i] == nameSlot) {
        return true;
      }
    }
    return false;
  }

  /**
   * Computes the value into the expression's slot, with {@code work} from {@code stack} on as the
   * stack; null if that went well. Allocates nothing.
   */
  @Nullable Fault compute(long[] work, int stack) {
    if (isSimple()) {
      return null;
    }
    int top = stack;
    for (int i = 0; i < operations.length; i++) {
      byte operation = operations[i];
      switch (operation) {
        case CONSTANT -> work[top++] = operands[i];
        case NAME -> work[top++] = work[(int) operands[i]];
        case NEGATE -> {
          if (work[top - 1] == Long.MIN_VALUE) {
            return Fault.OVERFLOW;
          }
          work[top - 1] = -work[top - 1];
        }
        default -> {
          Fault fault = binary(operation, work, top - 2);
          if (fault != null) {
            return fault;
          }
          top--;
        }
      }
    }
    work[slot] = work[stack];
    return null;
  }

  private static @Nullable Fault binary(byte operation, long[] work, int at) {
    long a = work[at];
    long b = work[at + 1];
    long result;
    boolean overflow;
    switch (operation) {
      case ADD -> {
        result = a + b;
        overflow = ((a ^ result) & (b ^ result)) < 0;
      }
      case SUBTRACT -> {
        result = a - b;
        overflow = ((a ^ b) & (a ^ result)) < 0;
      }
      case MULTIPLY -> {
        result = a * b;
        overflow = Math.multiplyHigh(a, b) != result >> 63;
      }
      case MIN -> {
        result = Math.min(a, b);
        overflow = false;
      }
      case MAX -> {
        result = Math.max(a, b);
        overflow = false;
      }
      default -> {
        if (b == 0) {
          return Fault.DIVISION_BY_ZERO;
        }
        overflow = a == Long.MIN_VALUE && b == -1;
        result =
            overflow
                ? 0
                : switch (operation) {
                  case DIVIDE -> a / b;
                  case REMAINDER -> a % b;
                  case CEILDIV -> Math.ceilDiv(a, b);
                  default -> throw new AssertionError("operation " + operation);
                };
      }
    }
    work[at] = result;
    return overflow ? Fault.OVERFLOW : null;
  }

  /** The text of the manifest. */
  @Override
  public String toString() {
    return text;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Expression that
        && slot == that.slot
        && Arrays.equals(operations, that.operations)
        && Arrays.equals(operands, that.operands);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(operands) * 31 + Arrays.hashCode(operations);
  }
}
