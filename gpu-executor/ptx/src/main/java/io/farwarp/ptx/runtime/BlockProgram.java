package io.farwarp.ptx.runtime;

/** A compiled kernel. Generated classes extend it; one instance serves all threads. */
public abstract class BlockProgram {
  /** Runs all threads of the block that the context stands at. */
  public abstract void run(BlockContext context);
}
