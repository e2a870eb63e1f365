package io.farwarp.ptx.ir;

import io.farwarp.ptx.PtxType;
import java.lang.classfile.TypeKind;

/**
 * Decides for each untyped register whether the JVM holds it as an integer or as a float: what most
 * of its definitions and uses want. A wrong guess costs a move between register files, no more.
 */
final class RegisterKinds {
  private RegisterKinds() {}

  static void choose(Function function) {
    int[] votes = new int[function.registers().size()];
    for (BasicBlock block : function.blocks()) {
      for (Instruction instruction : block.instructions()) {
        vote(instruction, votes);
      }
    }
    for (VirtualRegister register : function.registers()) {
      if (votes[register.index()] > 0 && register.type().family() == PtxType.Family.BITS) {
        switch (register.type()) {
          case B32 -> register.hold(TypeKind.FLOAT);
          case B64 -> register.hold(TypeKind.DOUBLE);
          default -> {
            // Smaller registers are always integers.
          }
        }
      }
    }
  }

  private static void vote(Instruction instruction, int[] votes) {
    Modifiers modifiers = instruction.modifiers();
    if (!modifiers.hasType()) {
      return;
    }
    for (int i = 0; i < instruction.operands().size(); i++) {
      if (instruction.operand(i) instanceof Operand.Memory memory) {
        if (memory.base() != null) {
          votes[memory.base().index()]--;
        }
        continue;
      }
      PtxType type = typeOf(instruction, i);
      boolean untyped =
          type.family() == PtxType.Family.BITS
              && (instruction.opcode() == Opcode.MOV
                  || instruction.opcode() == Opcode.LD
                  || instruction.opcode() == Opcode.ST
                  || instruction.opcode() == Opcode.SHFL
                  || instruction.opcode() == Opcode.SELP);
      if (!untyped) {
        int weight = type.isFloat() ? 1 : -1;
        count(instruction.operand(i), weight, votes);
      }
    }
  }

  /** The type that an instruction gives to its operand. */
  private static PtxType typeOf(Instruction instruction, int operand) {
    Modifiers modifiers = instruction.modifiers();
    return switch (instruction.opcode()) {
      case CVT, SET -> operand == 0 ? modifiers.type(0) : modifiers.type();
      case SLCT -> operand == 3 ? modifiers.type() : modifiers.type(0);
      case SHL, SHR -> operand == 2 ? PtxType.U32 : modifiers.type();
      default -> modifiers.type();
    };
  }

  private static void count(Operand operand, int weight, int[] votes) {
    if (operand instanceof Operand.Register r) {
      votes[r.register().index()] += weight;
    } else if (operand instanceof Operand.Vector v) {
      v.elements().forEach(e -> count(e, weight, votes));
    }
  }
}
