package io.farwarp.client;

import io.farwarp.v1.Direction;
import io.farwarp.v1.ElementType;

/**
 * One argument of a call, as the caller writes it: {@code in(a), inout(b), out(c), scalar(n)}. It
 * is matched to the function's parameter at the same place.
 */
public sealed interface Argument {

  /** A tensor that the kernel reads; pushed with the call unless it is resident. */
  static Argument in(Tensor tensor) {
    return new TensorArgument(tensor, Direction.IN);
  }

  /** A tensor that the kernel writes; comes back with the call's completion unless resident. */
  static Argument out(Tensor tensor) {
    return new TensorArgument(tensor, Direction.OUT);
  }

  /** A tensor that the kernel reads and writes. */
  static Argument inout(Tensor tensor) {
    return new TensorArgument(tensor, Direction.INOUT);
  }

  /** An integer; fits a parameter of any integer type whose range holds it. */
  static Argument scalar(long value) {
    return new IntegerArgument(value);
  }

  /** For a parameter of type f16, bf16, f32 or f64. */
  static Argument scalar(float value) {
    return new FloatArgument(value);
  }

  /** For a parameter of type f64. */
  static Argument scalar(double value) {
    return new DoubleArgument(value);
  }

  /** A scalar of exactly {@code type} by its bits, the low ones of {@code bits}. */
  static Argument scalar(ElementType type, long bits) {
    return new BitsArgument(type, bits);
  }

  /** A range of the window. */
  record TensorArgument(Tensor tensor, Direction direction) implements Argument {}

  record IntegerArgument(long value) implements Argument {}

  record FloatArgument(float value) implements Argument {}

  record DoubleArgument(double value) implements Argument {}

  record BitsArgument(ElementType type, long bits) implements Argument {}
}
