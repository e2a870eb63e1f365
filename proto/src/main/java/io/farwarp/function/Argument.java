package io.farwarp.function;

/** What a launch passes for one parameter of its kernel. */
public sealed interface Argument permits Argument.ParameterRef, Argument.ScratchRef, Expression {

  /** A parameter of the function: a tensor's address, or a scalar's bits as they came. */
  record ParameterRef(int index) implements Argument {}

  /** The address of a scratch tensor. */
  record ScratchRef(int index) implements Argument {}
}
