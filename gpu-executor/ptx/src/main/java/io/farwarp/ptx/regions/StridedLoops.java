package io.farwarp.ptx.regions;

import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.ir.VirtualRegister;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Innermost loops that walk global memory in long steps, as those over a grid's stride do: the
 * neighbours of what a thread reads are read by other threads. If each thread ran its whole loop
 * before the next, every access would be to another cache line and page; so the threads take turns.
 */
final class StridedLoops {
  /** Steps of so many bytes, or elements, leave the cache line. */
  private static final long LONG_STEP = 128;

  private final Loops.Loop loop;
  private final BitSet defined = new BitSet();

  /** From a register to those that are it, or it and something more. */
  private final Map<Integer, BitSet> sums = new HashMap<>();

  private StridedLoops(Loops.Loop loop) {
    this.loop = loop;
  }

  /** The backward branches, by identity, that close such loops. */
  static Set<Instruction> of(Function function) {
    Set<Instruction> closing = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Loops.Loop loop : Loops.of(function)) {
      if (isInnermost(loop) && new StridedLoops(loop).isStrided()) {
        closing.add(loop.branch());
      }
    }
    return closing;
  }

  @SuppressWarnings("ReferenceEquality") // Instructions are told apart by identity.
  private static boolean isInnermost(Loops.Loop loop) {
    for (BasicBlock block : loop.body()) {
      Instruction last = RegionPlan.last(block);
      boolean ends =
          last != null && (last.opcode().suspends() || !Loops.headsClosedBy(block).isEmpty());
      if (ends && last != loop.branch()) {
        return false;
      }
    }
    return true;
  }

  private boolean isStrided() {
    for (BasicBlock block : loop.body()) {
      for (Instruction instruction : block.instructions()) {
        instruction.forEachDefined(register -> defined.set(register.index()));
      }
    }
    for (BasicBlock block : loop.body()) {
      for (Instruction instruction : block.instructions()) {
        noteSum(instruction);
      }
    }
    BitSet strided = new BitSet();
    for (BasicBlock block : loop.body()) {
      for (Instruction instruction : block.instructions()) {
        if (isLongStep(instruction)) {
          instruction.forEachDefined(register -> strided.set(register.index()));
        }
      }
    }
    return !strided.isEmpty() && addressesMemory(strided);
  }

  private void noteSum(Instruction instruction) {
    if (instruction.opcode() == Opcode.ADD || instruction.opcode() == Opcode.MOV) {
      instruction.forEachDefined(to ->
          instruction.forEachUsed(
              from -> sums.computeIfAbsent(from.index(), key -> new BitSet()).set(to.index())));
    }
  }

  /** Whether an instruction adds to a register of the iteration before what is long or unknown. */
  private boolean isLongStep(Instruction instruction) {
    if (instruction.opcode() != Opcode.ADD
        || !(instruction.operand(0) instanceof Operand.Register sum)) {
      return false;
    }
    Operand left = instruction.operand(1);
    Operand right = instruction.operand(2);
    return (isLong(right) && isCarried(left, sum.register()))
        || (isLong(left) && isCarried(right, sum.register()));
  }

  private boolean isLong(Operand step) {
    return switch (step) {
      case Operand.Immediate i -> Math.abs(i.bits()) >= LONG_STEP;
      case Operand.Register r -> !defined.get(r.register().index());
      default -> false;
    };
  }

  /** Whether a sum comes back as the operand that it was made from. */
  private boolean isCarried(Operand operand, VirtualRegister sum) {
    if (!(operand instanceof Operand.Register from)) {
      return false;
    }
    BitSet reached = new BitSet();
    reached.set(sum.index());
    return spread(reached, from.register().index());
  }

  private boolean spread(BitSet reached, int wanted) {
    int before = -1;
    while (reached.cardinality() != before && !reached.get(wanted)) {
      before = reached.cardinality();
      for (int i : reached.stream().toArray()) {
        reached.or(sums.getOrDefault(i, new BitSet()));
      }
    }
    return reached.get(wanted);
  }

  /** Whether an address is computed from one of the registers. */
  private boolean addressesMemory(BitSet strided) {
    int before = -1;
    while (strided.cardinality() != before) {
      before = strided.cardinality();
      for (BasicBlock block : loop.body()) {
        for (Instruction instruction : block.instructions()) {
          boolean[] derived = {false};
          instruction.forEachUsed(register -> derived[0] |= strided.get(register.index()));
          if (derived[0] && accessesGlobal(instruction, strided)) {
            return true;
          }
          if (derived[0] && instruction.opcode() != Opcode.LD) {
            instruction.forEachDefined(register -> strided.set(register.index()));
          }
        }
      }
    }
    return false;
  }

  private static boolean accessesGlobal(Instruction instruction, BitSet strided) {
    boolean global =
        switch (instruction.opcode()) {
          case LD, ST -> instruction.modifiers().oneOf("", "global").length() > 0;
          default -> false;
        };
    if (!global) {
      return false;
    }
    for (Operand operand : instruction.operands()) {
      if (operand instanceof Operand.Memory memory
          && memory.base() != null
          && strided.get(memory.base().index())) {
        return true;
      }
    }
    return false;
  }
}
