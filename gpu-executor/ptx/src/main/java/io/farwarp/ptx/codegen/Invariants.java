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
    Invariants invariants = new Invariants();
    invariants.find(function);
    return invariants;
  }

  /**
   * Also what is computed from values that all threads share, so that no thread need save it while
   * it is stopped.
   */
  static Invariants ofRegions(Function function) {
    Invariants invariants = new Invariants();
    int[] definitions = invariants.find(function);
    boolean changed = true;
    while (changed) {
      changed = false;
      for (BasicBlock block : function.blocks()) {
        for (Instruction instruction : block.instructions()) {
          changed |= invariants.considerComputed(instruction, definitions);
        }
      }
    }
    return invariants;
  }

  private int[] find(Function function) {
    int[] definitions = new int[function.registers().size()];
    for (BasicBlock block : function.blocks()) {
      for (Instruction instruction : block.instructions()) {
        instruction.forEachDefined(register -> definitions[register.index()]++);
      }
    }
    for (BasicBlock block : function.blocks()) {
      for (Instruction instruction : block.instructions()) {
        consider(function, instruction, definitions);
      }
    }
    return definitions;
  }

  private boolean considerComputed(Instruction instruction, int[] definitions) {
    if (moved.contains(instruction)
        || instruction.guard() != null
        || !isPure(instruction)
        || !(instruction.operand(0) instanceof Operand.Register destination)
        || definitions[destination.register().index()] != 1) {
      return false;
    }
    boolean[] shared = {true};
    instruction.forEachUsed(r -> shared[0] &= permanent.get(r.index()) || folded.get(r.index()));
    for (int i = 1; i < instruction.operands().size(); i++) {
      shared[0] &= isShared(instruction.operand(i));
    }
    if (shared[0]) {
      moved.add(instruction);
      beforeThreads.add(instruction);
      permanent.set(destination.register().index());
    }
    return shared[0];
  }

  private static boolean isShared(Operand operand) {
    return switch (operand) {
      case Operand.Register r -> true;
      case Operand.NotPredicate r -> true;
      case Operand.Immediate i -> true;
      case Operand.Special s -> s.register().scope() == SpecialRegister.Scope.BLOCK;
      case Operand.Address a -> !(a.symbol() instanceof Symbol.FrameVariable);
      default -> false;
    };
  }

  /** Integer arithmetic that neither faults nor touches memory or the carry flag. */
  private static boolean isPure(Instruction instruction) {
    return switch (instruction.opcode()) {
      case ADD, SUB, MUL, MAD, NEG, MIN, MAX ->
          !instruction.modifiers().has("cc") && !instruction.modifiers().type().isFloat();
      case AND, OR, XOR, NOT, SHL, SHR, MOV, CVTA, SELP, SETP -> true;
      case CVT -> !instruction.modifiers().type().isFloat();
      default -> false;
    };
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

  /**
   * The instructions to run before the loop over the threads.
   *
   * @param onlyNeeded whether to leave out what the blocks do not read
   */
  List<Instruction> before(List<BasicBlock> blocks, boolean onlyNeeded) {
    if (!onlyNeeded) {
      return beforeThreads;
    }
    BitSet needed = new BitSet();
    for (BasicBlock block : blocks) {
      for (Instruction instruction : block.instructions()) {
        if (!moved.contains(instruction)) {
          instruction.forEachUsed(register -> needed.set(register.index()));
        }
      }
    }
    List<Instruction> before = new ArrayList<>();
    for (int i = beforeThreads.size() - 1; i >= 0; i--) {
      Instruction instruction = beforeThreads.get(i);
      boolean[] wanted = {false};
      instruction.forEachDefined(register -> wanted[0] |= needed.get(register.index()));
      if (wanted[0]) {
        before.addFirst(instruction);
        instruction.forEachUsed(register -> needed.set(register.index()));
      }
    }
    return before;
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
