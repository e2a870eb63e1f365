package io.farwarp.ptx.ir;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** Instructions that run one after the other, with the ways out of the last. */
public final class BasicBlock {
  private final int index;
  private final List<Instruction> instructions = new ArrayList<>();
  private final List<BasicBlock> successors = new ArrayList<>(2);
  private final BitSet liveIn = new BitSet();
  private final BitSet liveOut = new BitSet();

  BasicBlock(int index) {
    this.index = index;
  }

  /** Position in the text's order, from 0. */
  public int index() {
    return index;
  }

  public List<Instruction> instructions() {
    return instructions;
  }

  public List<BasicBlock> successors() {
    return successors;
  }

  /** Indices of the registers whose value on entry may be read. */
  public BitSet liveIn() {
    return liveIn;
  }

  /** Indices of the registers whose value on exit may be read. */
  public BitSet liveOut() {
    return liveOut;
  }
}
