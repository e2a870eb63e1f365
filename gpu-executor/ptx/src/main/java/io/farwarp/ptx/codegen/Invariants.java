package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.ir.SpecialRegister;
import io.farwarp.ptx.ir.Symbol;
import io.farwarp.ptx.syntax.SourceOperand.NumberKind;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Registers that have one definition whose value is the same for all threads of a block: constants,
 * which are folded into their uses, and parameters and block coordinates, which are loaded before
 * the loop over the threads. One definition is enough, because a use that it does not reach reads
 * an undefined value.
 */
final class Invariants {
  private final Map<Integer, Long> constants = new HashMap<>();
  private final List<Instruction> beforeThreads = new ArrayList<>();
  private final Set<Instruction> moved = Collections.newSetFromMap(new IdentityHashMap<>());
  private final BitSet permanent = new BitSet();
  private final BitSet folded = new BitSet();

  private Invariants() {}

  static Invariants of(Function function) {
    int[] definitions = new int[function.registers().size()];
    for (BasicBlock block : function.blocks()) {
      for (Instruction instruction : block.instructions()) {
        instruction.forEachDefined(register -> definitions[register.index()]++);
      }
    }
    Invariants invariants = new Invariants();
    for (BasicBlock block : function.blocks()) {
      for (Instruction instruction : block.instructions()) {
        invariants.consider(function, instruction, definitions);
      }
    }
    return invariants;
  }

  private void consider(Function function, Instruction instruction, int[] definitions) {
    boolean[] single = {instruction.guard() == null && instruction.destinations() > 0};
    instruction.forEachDefined(register -> single[0] &= definitions[register.index()] == 1);
    if (!single[0]) {
      return;
    }
    Long constant = constant(instruction);
    if (constant != null && instruction.operand(0) instanceof Operand.Register destination) {
      constants.put(destination.register().index(), constant);
      folded.set(destination.register().index());
      moved.add(instruction);
    } else if (function.entry() && isUniform(instruction)) {
      moved.add(instruction);
      beforeThreads.add(instruction);
      instruction.forEachDefined(register -> permanent.set(register.index()));
    }
  }

  /** The bits of an immediate that is moved into a register of the same size. */
  private static @Nullable Long constant(Instruction instruction) {
    if (instruction.opcode() != Opcode.MOV
        || !(instruction.operand(1) instanceof Operand.Immediate immediate)
        || !(instruction.operand(0) instanceof Operand.Register destination)) {
      return null;
    }
    PtxType type = instruction.modifiers().type();
    if (type.sizeBytes() < 4 || destination.register().type().sizeBytes() != type.sizeBytes()) {
      return null;
    }
    boolean matches =
        switch (immediate.kind()) {
          case INTEGER -> !type.isFloat();
          case FLOAT32 -> type.sizeBytes() == 4;
          case FLOAT64 -> type.sizeBytes() == 8;
        };
    if (!matches) {
      return null;
    }
    return immediate.kind() == NumberKind.INTEGER && type.sizeBytes() == 4
        ? Long.valueOf(immediate.bits() << 32 >> 32)
        : Long.valueOf(immediate.bits());
  }

  private static boolean isUniform(Instruction instruction) {
    return switch (instruction.opcode()) {
      case LD ->
          instruction.operand(1) instanceof Operand.Memory memory
              && memory.symbol() instanceof Symbol.KernelParameter;
      case MOV ->
          instruction.operand(1) instanceof Operand.Special special
              && special.register().scope() == SpecialRegister.Scope.BLOCK;
      default -> false;
    };
  }

  /** The constant bits of a register, or null. */
  @Nullable Long constant(int register) {
    return constants.get(register);
  }

  /** Whether an instruction has no place in the loop over the threads. */
  boolean isMoved(Instruction instruction) {
    return moved.contains(instruction);
  }

  /** The instructions to run before the loop over the threads. */
  List<Instruction> beforeThreads() {
    return beforeThreads;
  }

  /** Registers that keep their value over all threads of a block. */
  BitSet permanent() {
    return permanent;
  }

  /** Registers that need no slot. */
  BitSet folded() {
    return folded;
  }
}
