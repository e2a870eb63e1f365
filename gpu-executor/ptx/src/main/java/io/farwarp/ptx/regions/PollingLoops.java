package io.farwarp.ptx.regions;

import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.Operand;
import java.util.BitSet;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * Loops in which a thread may wait for what another one writes: a branch in the loop depends on a
 * load of the loop that the compiler may not keep in a register. Such a loop lets other threads run
 * now and then. A loop that is taken for one without need only counts its iterations.
 */
final class PollingLoops {
  private final Waiting waiting;

  private PollingLoops(Waiting waiting) {
    this.waiting = waiting;
  }

  /** The backward branches, by identity, that close such loops. */
  static Set<Instruction> of(Function function, Waiting waiting) {
    Set<Instruction> closing = Collections.newSetFromMap(new IdentityHashMap<>());
    PollingLoops loops = new PollingLoops(waiting);
    for (Loops.Loop loop : Loops.of(function)) {
      if (loops.polls(loop.body())) {
        closing.add(loop.branch());
      }
    }
    return closing;
  }

  static boolean hasPollingLoad(Function function) {
    for (BasicBlock block : function.blocks()) {
      for (Instruction instruction : block.instructions()) {
        if (isPollingLoad(instruction, false)) {
          return true;
        }
      }
    }
    return false;
  }

  private boolean polls(List<BasicBlock> body) {
    boolean fenced = false;
    boolean polling = false;
    BitSet deciding = new BitSet();
    for (BasicBlock block : body) {
      for (Instruction instruction : block.instructions()) {
        fenced |= isFence(instruction);
        if (instruction.guard() != null) {
          deciding.set(instruction.guard().predicate().index());
        }
        if (instruction.opcode() == Opcode.BRX) {
          instruction.forEachUsed(register -> deciding.set(register.index()));
        }
      }
    }
    for (BasicBlock block : body) {
      for (Instruction instruction : block.instructions()) {
        polling |= isPoll(instruction, fenced);
      }
    }
    return polling && decides(body, deciding, fenced);
  }

  /** Whether a poll of the loop reaches the registers that decide its way. */
  private boolean decides(List<BasicBlock> body, BitSet deciding, boolean fenced) {
    boolean changed = true;
    while (changed) {
      changed = false;
      for (BasicBlock block : body) {
        for (Instruction instruction : block.instructions()) {
          boolean[] relevant = {false};
          instruction.forEachDefined(register -> relevant[0] |= deciding.get(register.index()));
          if (!relevant[0]) {
            continue;
          }
          if (isPoll(instruction, fenced) || isPrivateLoad(instruction)) {
            return true;
          }
          int before = deciding.cardinality();
          instruction.forEachUsed(register -> deciding.set(register.index()));
          changed |= deciding.cardinality() > before;
        }
      }
    }
    return false;
  }

  private boolean isPoll(Instruction instruction, boolean fenced) {
    if (instruction.opcode() != Opcode.CALL) {
      return isPollingLoad(instruction, fenced);
    }
    return switch (instruction.operand(0)) {
      case Operand.Call call -> waiting.polls(call.function());
      case Operand.IndirectCall call ->
          call.candidates().stream().anyMatch(function -> waiting.polls(function.name()));
      default -> false;
    };
  }

  private static boolean isPollingLoad(Instruction instruction, boolean fenced) {
    return switch (instruction.opcode()) {
      case ATOM -> !(instruction.operand(0) instanceof Operand.Discard);
      case LD -> {
        boolean ordered =
            instruction.modifiers().oneOf("", "volatile", "relaxed", "acquire", "cv").length() > 0;
        boolean mayChange =
            instruction.modifiers().oneOf("", "const", "nc").isEmpty()
                && !isPrivateLoad(instruction);
        yield mayChange && (ordered || fenced);
      }
      default -> false;
    };
  }

  /** Whether a value comes from memory of the thread's own, where a poll's result may have gone. */
  private static boolean isPrivateLoad(Instruction instruction) {
    return instruction.opcode() == Opcode.LD
        && instruction
                .modifiers()
                .oneOf("", "local", "param", "param::entry", "param::func")
                .length()
            > 0;
  }

  private static boolean isFence(Instruction instruction) {
    String mnemonic = instruction.mnemonic();
    return instruction.opcode() == Opcode.FENCE
        || (instruction.opcode() == Opcode.HINT && mnemonic.startsWith("nanosleep"));
  }
}
