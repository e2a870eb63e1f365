package io.farwarp.ptx.runtime;

/**
 * A point where a thread leaves generated code. Operands that are not constant lie in {@link
 * BlockThreads}, by thread.
 */
public sealed interface Stop {
  /** The region in which the thread goes on. */
  int region();

  /** The line of the text, for faults. */
  int line();

  /** The kernel is cut here, since its methods would be too long; nobody waits. */
  record Cut(int region, int line) implements Stop {}

  /**
   * The lanes of a warp go in step here, if they can without waiting long.
   *
   * @param place where it is in the text: twice the index of the region that starts here, and odd
   *     at the end of a loop, between two regions
   */
  record Step(int region, int line, int place) implements Stop {}

  /** A loop that polls memory, or walks it in long steps, lets other threads run. */
  record Poll(int region, int line) implements Stop {}

  /**
   * A barrier of the block.
   *
   * @param id its number, or {@link #VARIABLE}: {@code first}
   * @param count how many threads it waits for, {@link #ALL}, or {@link #VARIABLE}: {@code second}
   */
  record Barrier(int region, int line, Role role, int id, int count) implements Stop {
    public static final int VARIABLE = -1;
    public static final int ALL = 0;

    /** What a thread does at a barrier; a reduction takes its predicate from {@code third}. */
    public enum Role {
      SYNC,
      ARRIVE,
      POPC,
      AND,
      OR
    }
  }

  /**
   * An operation of the lanes of a warp.
   *
   * @param group operations of the same group can meet: they are written the same way
   * @param convergent whether the lanes that come together take part, and no mask says which
   * @param constants which of the three are given here and not by thread
   */
  record Warp(
      int region,
      int line,
      WarpOperation operation,
      int group,
      boolean convergent,
      int constants,
      int second,
      int third,
      int members)
      implements Stop {
    public static final int SECOND = 1;
    public static final int THIRD = 2;
    public static final int MEMBERS = 4;

    /** The same with no operand constant, once the constants stand beside the lanes' values. */
    Warp withLanesOwnOperands() {
      return constants == 0
          ? this
          : new Warp(region, line, operation, group, convergent, 0, 0, 0, 0);
    }

    boolean isConstant(int operand) {
      return (constants & operand) != 0;
    }
  }
}
