package io.farwarp.function;

import java.util.List;

/**
 * One launch of a function's plan. The numbers are those of the last {@link FunctionSpec#bind} into
 * the work array given; it has checked them against {@link LaunchLimits}.
 */
public final class LaunchSpec {
  private final String kernel;
  private final List<Expression> grid;
  private final List<Expression> block;
  private final Expression dynamicSharedBytes;
  private final Expression repeat;
  private final List<Argument> arguments;

  LaunchSpec(
      String kernel,
      List<Expression> grid,
      List<Expression> block,
      Expression dynamicSharedBytes,
      Expression repeat,
      List<Argument> arguments) {
    this.kernel = kernel;
    this.grid = grid;
    this.block = block;
    this.dynamicSharedBytes = dynamicSharedBytes;
    this.repeat = repeat;
    this.arguments = arguments;
  }

  /** Entry point, as the module names it. */
  public String kernel() {
    return kernel;
  }

  /** Blocks along {@code axis} (0 is x, 2 is z), 1 and up. */
  public int grid(int axis, long[] work) {
    return (int) grid.get(axis).value(work);
  }

  /** Threads of a block along {@code axis} (0 is x, 2 is z), 1 and up. */
  public int block(int axis, long[] work) {
    return (int) block.get(axis).value(work);
  }

  /** Bytes of dynamic shared memory, 0 and up. */
  public int dynamicSharedBytes(long[] work) {
    return (int) dynamicSharedBytes.value(work);
  }

  /** How often the launch runs, one after the other; 0 and up. */
  public int repeat(long[] work) {
    return (int) repeat.value(work);
  }

  /** What is passed, one for each parameter of the kernel. */
  public List<Argument> arguments() {
    return arguments;
  }

  Expression gridExpression(int axis) {
    return grid.get(axis);
  }

  Expression blockExpression(int axis) {
    return block.get(axis);
  }

  Expression dynamicSharedExpression() {
    return dynamicSharedBytes;
  }

  Expression repeatExpression() {
    return repeat;
  }
}
