package io.farwarp.ptx.regions;

import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Opcode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Finds the loops of a function by the backward branches that close them. */
final class Loops {
  /**
   * A loop.
   *
   * @param branch closes it, and maybe others too if it branches by index
   * @param body the blocks from which control comes to the branch without passing the loop's head
   */
  record Loop(Instruction branch, List<BasicBlock> body) {}

  private final Map<BasicBlock, List<BasicBlock>> predecessors = new HashMap<>();

  private Loops(Function function) {
    for (BasicBlock block : function.blocks()) {
      for (BasicBlock successor : block.successors()) {
        predecessors.computeIfAbsent(successor, key -> new ArrayList<>()).add(block);
      }
    }
  }

  /** In the order in which they end. */
  static List<Loop> of(Function function) {
    Loops loops = new Loops(function);
    List<Loop> found = new ArrayList<>();
    for (BasicBlock block : function.blocks()) {
      for (BasicBlock head : headsClosedBy(block)) {
        found.add(new Loop(block.instructions().getLast(), loops.body(head, block)));
      }
    }
    return found;
  }

  /** The heads of the loops that end with a block: where it branches back to. */
  static List<BasicBlock> headsClosedBy(BasicBlock block) {
    Instruction last = RegionPlan.last(block);
    boolean branches = last != null && (last.opcode() == Opcode.BRA || last.opcode() == Opcode.BRX);
    return branches
        ? block.successors().stream()
            .filter(target -> target.index() <= block.index())
            .distinct()
            .toList()
        : List.of();
  }

  private List<BasicBlock> body(BasicBlock head, BasicBlock latch) {
    BitSet seen = new BitSet();
    List<BasicBlock> body = new ArrayList<>();
    ArrayDeque<BasicBlock> pending = new ArrayDeque<>(List.of(latch));
    seen.set(head.index());
    body.add(head);
    while (!pending.isEmpty()) {
      BasicBlock block = pending.pop();
      if (!seen.get(block.index())) {
        seen.set(block.index());
        body.add(block);
        pending.addAll(predecessors.getOrDefault(block, List.of()));
      }
    }
    return body;
  }
}
