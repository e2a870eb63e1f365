package io.farwarp.ptx.ir;

import io.farwarp.ptx.PtxException;
import java.util.List;
import java.util.Map;

/** The edges between basic blocks, read off their last instructions. */
final class ControlFlow {
  private ControlFlow() {}

  static void connect(List<BasicBlock> blocks, Map<String, BasicBlock> targets)
      throws PtxException {
    for (BasicBlock block : blocks) {
      BasicBlock next = block.index() + 1 < blocks.size() ? blocks.get(block.index() + 1) : null;
      Instruction last = block.instructions().isEmpty() ? null : block.instructions().getLast();
      boolean leaves = last != null && last.opcode().leavesBlock();
      if (last != null && last.opcode() == Opcode.BRA) {
        add(block, last, name(last), targets);
      } else if (last != null
          && last.operands().size() == 2
          && last.operand(1) instanceof Operand.Targets labels) {
        for (String label : labels.names()) {
          add(block, last, label, targets);
        }
      }
      boolean goesOn = !leaves || (last != null && last.guard() != null);
      if (next != null && goesOn && !block.successors().contains(next)) {
        block.successors().add(next);
      }
    }
  }

  private static String name(Instruction branch) throws PtxException {
    if (branch.operand(0) instanceof Operand.Label label) {
      return label.name();
    }
    throw branch.refuse("needs a label");
  }

  private static void add(
      BasicBlock block, Instruction branch, String label, Map<String, BasicBlock> targets)
      throws PtxException {
    BasicBlock target = targets.get(label);
    if (target == null) {
      throw branch.refuse("branches to a label that is not defined");
    }
    if (!block.successors().contains(target)) {
      block.successors().add(target);
    }
  }
}
