package io.farwarp.ptx.syntax;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** An operand as written; names are not resolved yet. */
public sealed interface SourceOperand {

  /**
   * A register, special register ({@code %tid.x}), label or symbol; {@code symbol+8} has an offset.
   */
  record Name(String name, long offset) implements SourceOperand {}

  /** How a number was written, which decides what its bits mean. */
  enum NumberKind {
    INTEGER,
    FLOAT32,
    FLOAT64
  }

  record Literal(NumberKind kind, long bits) implements SourceOperand {}

  /** {@code [base+offset]}; without a base the offset is the address. */
  record Memory(@Nullable String base, long offset) implements SourceOperand {}

  /** {@code [texture, {x, y}]} and the like, which only unsupported instructions take. */
  record Bracketed() implements SourceOperand {}

  /** {@code {a, b, c, d}}. */
  record Vector(List<SourceOperand> elements) implements SourceOperand {}

  /** {@code (a, b)}: the parameters of a call. */
  record Group(List<SourceOperand> elements) implements SourceOperand {}

  /** {@code !p}. */
  record Not(SourceOperand operand) implements SourceOperand {}

  /** {@code p|q}. */
  record Pair(SourceOperand first, SourceOperand second) implements SourceOperand {}

  /** {@code _}: a result that nobody wants. */
  record Discard() implements SourceOperand {}
}
