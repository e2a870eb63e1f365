package io.farwarp.ptx.syntax;

import io.farwarp.ptx.PtxType;
import java.util.List;

/**
 * A variable or parameter declaration.
 *
 * @param space state space: {@code global}, {@code const}, {@code shared}, {@code local}, {@code
 *     param}
 * @param elements number of elements, 1 for a scalar; 0 for an array of unknown size
 */
public record SourceVariable(
    int line,
    String space,
    PtxType type,
    int alignBytes,
    String name,
    long elements,
    boolean external,
    List<Initial> initial) {

  /** One value of an initialiser. */
  public sealed interface Initial {
    record Value(SourceOperand.Literal value) implements Initial {}

    /** The address of another variable plus an offset. */
    record Address(String symbol, long offset) implements Initial {}
  }

  /** Bytes of the whole variable; the parser has checked that this fits. */
  public long sizeBytes() {
    return elements * type.sizeBytes();
  }
}
