package io.farwarp.function;

import io.farwarp.v1.ElementType;
import java.util.List;

/** Device memory that exists for the length of one invocation. */
public record ScratchSpec(int index, String name, ElementType type, List<Expression> shape) {

  /** Bytes of one element. */
  public int elementBytes() {
    return ElementTypes.bytes(type);
  }
}
