package io.farwarp.ptx.codegen;

import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.ir.VirtualRegister;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Comparisons whose predicate has one reader, later in the same block and with the operands
 * unchanged: the reader compares and branches at once, and no 0 or 1 is made.
 */
final class Fusion {
  private final Map<VirtualRegister, Instruction> comparisons = new HashMap<>();
  private final Set<Instruction> fused = Collections.newSetFromMap(new IdentityHashMap<>());

  private Fusion() {}

  static Fusion of(Function function) {
    int count = function.registers().size();
    int[] definitions = new int[count];
    int[] uses = new int[count];
    for (BasicBlock block : function.blocks()) {
      for (Instruction instruction : block.instructions()) {
        instruction.forEachDefined(register -> definitions[register.index()]++);
        instruction.forEachUsed(register -> uses[register.index()]++);
      }
    }
    Fusion fusion = new Fusion();
    for (BasicBlock block : function.blocks()) {
      List<Instruction> instructions = block.instructions();
      for (int i = 0; i < instructions.size(); i++) {
        VirtualRegister predicate = candidate(instructions.get(i));
        if (predicate != null
            && definitions[predicate.index()] == 1
            && uses[predicate.index()] == 1
            && readerFollows(instructions, i, predicate)) {
          fusion.comparisons.put(predicate, instructions.get(i));
          fusion.fused.add(instructions.get(i));
        }
      }
    }
    return fusion;
  }

  private static @Nullable VirtualRegister candidate(Instruction instruction) {
    boolean plain =
        instruction.opcode() == Opcode.SETP
            && instruction.guard() == null
            && instruction.operands().size() == 3;
    return plain && instruction.operand(0) instanceof Operand.Register r ? r.register() : null;
  }

  private static boolean readerFollows(
      List<Instruction> instructions, int from, VirtualRegister predicate) {
    Set<VirtualRegister> inputs = new HashSet<>();
    instructions.get(from).forEachUsed(inputs::add);
    for (int i = from + 1; i < instructions.size(); i++) {
      Instruction instruction = instructions.get(i);
      if (reads(instruction, predicate)) {
        return true;
      }
      boolean[] changed = {false};
      instruction.forEachDefined(register -> changed[0] |= inputs.contains(register));
      if (changed[0]) {
        return false;
      }
    }
    return false;
  }

  private static boolean reads(Instruction instruction, VirtualRegister predicate) {
    if (instruction.guard() != null && instruction.guard().predicate() == predicate) {
      return true;
    }
    return instruction.opcode() == Opcode.SELP
        && instruction.operand(3) instanceof Operand.Register r
        && r.register() == predicate;
  }

  /** Whether a comparison is made where its result is read. */
  boolean isFused(Instruction comparison) {
    return fused.contains(comparison);
  }

  /** The comparison that a predicate stands for, or null when it is a value. */
  @Nullable Instruction comparison(VirtualRegister predicate) {
    return comparisons.get(predicate);
  }
}
