package io.farwarp.ptx.ir;

import java.util.BitSet;
import java.util.List;

/** Which registers may still be read, by the usual backward data flow over basic blocks. */
final class Liveness {
  private Liveness() {}

  static void compute(Function function) {
    List<BasicBlock> blocks = function.blocks();
    BitSet[] used = new BitSet[blocks.size()];
    BitSet[] defined = new BitSet[blocks.size()];
    for (BasicBlock block : blocks) {
      BitSet use = new BitSet();
      BitSet define = new BitSet();
      for (Instruction instruction : block.instructions()) {
        instruction.forEachUsed(register -> {
          if (!define.get(register.index())) {
            use.set(register.index());
          }
        });
        // A guarded instruction may leave its destination as it was.
        instruction.forEachDefined(register -> {
          if (instruction.guard() == null) {
            define.set(register.index());
          } else if (!define.get(register.index())) {
            use.set(register.index());
          }
        });
      }
      used[block.index()] = use;
      defined[block.index()] = define;
    }
    boolean changed = true;
    while (changed) {
      changed = false;
      for (int i = blocks.size() - 1; i >= 0; i--) {
        changed |= update(blocks.get(i), used[i], defined[i]);
      }
    }
  }

  private static boolean update(BasicBlock block, BitSet used, BitSet defined) {
    for (BasicBlock successor : block.successors()) {
      block.liveOut().or(successor.liveIn());
    }
    BitSet in = (BitSet) block.liveOut().clone();
    in.andNot(defined);
    in.or(used);
    if (in.equals(block.liveIn())) {
      return false;
    }
    block.liveIn().or(in);
    return true;
  }
}
