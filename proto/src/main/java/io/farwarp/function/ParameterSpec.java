package io.farwarp.function;

import io.farwarp.v1.Direction;
import io.farwarp.v1.ElementType;
import java.util.List;

/**
 * One parameter of a function: a tensor with a direction and a shape, or a scalar.
 *
 * @param index its place in the manifest, from 0
 * @param direction what moves; {@link Direction#IN} for a scalar
 * @param shape extents, outermost first; empty for a scalar
 */
public record ParameterSpec(
    int index,
    String name,
    ElementType type,
    boolean isTensor,
    Direction direction,
    List<Expression> shape) {

  /** Bytes of one element. */
  public int elementBytes() {
    return ElementTypes.bytes(type);
  }

  /** True if the client's bytes are needed before the launch. */
  public boolean isRead() {
    return direction != Direction.OUT;
  }

  /** True for a tensor that the kernel writes. */
  public boolean isWritten() {
    return direction != Direction.IN;
  }

  /** As people write it: {@code f32[m * k]} or {@code i32}. */
  public String typeText() {
    return ElementTypes.label(type) + (isTensor ? shapeText(shape) : "");
  }

  static String shapeText(List<Expression> shape) {
    StringBuilder text = new StringBuilder("[");
    for (Expression extent : shape) {
      text.append(text.length() > 1 ? ", " : "").append(extent);
    }
    return text.append(']').toString();
  }
}
