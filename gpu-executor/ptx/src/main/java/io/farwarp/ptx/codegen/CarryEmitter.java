package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Modifiers;
import io.farwarp.ptx.ir.Opcode;
import java.lang.classfile.TypeKind;

/**
 * Extended-precision arithmetic: what reads or writes the carry flag, which is a JVM local.
 *
 * <p>The PTX ISA says that subtraction keeps its borrow in the flag. GPUs subtract by adding the
 * complement, so that the flag is 1 where nothing was borrowed; nvcc's division of 128-bit numbers
 * relies on it, as it reads by {@code addc} what {@code subc.cc} left.
 */
final class CarryEmitter {
  private final MethodBody body;
  private final Instruction instruction;
  private final Modifiers modifiers;
  private final PtxType type;
  private final TypeKind kind;
  private final boolean wide;
  private final boolean carryIn;
  private final boolean carryOut;

  private CarryEmitter(MethodBody body, Instruction instruction) {
    this.body = body;
    this.instruction = instruction;
    modifiers = instruction.modifiers();
    type = modifiers.type();
    kind = MethodBody.kind(type);
    wide = kind == TypeKind.LONG;
    carryOut = modifiers.has("cc");
    carryIn =
        switch (instruction.opcode()) {
          case ADDC, SUBC, MADC -> true;
          default -> false;
        };
  }

  static void emit(MethodBody body, Instruction instruction) {
    new CarryEmitter(body, instruction).emit();
  }

  private void emit() {
    boolean subtract = instruction.opcode() == Opcode.SUB || instruction.opcode() == Opcode.SUBC;
    boolean multiply = instruction.opcode() == Opcode.MAD || instruction.opcode() == Opcode.MADC;
    pushTerms(multiply);
    // The result stays on the stack while the flag is computed from the unchanged operands.
    if (wide) {
      combineLong(subtract);
    } else {
      combineInt(subtract);
    }
    if (carryOut) {
      pushTerms(multiply);
      pushCarryIn(subtract);
      body.invoke(
          Names.INTEGERS, subtract ? "borrow" : "carry", TypeKind.INT, kind, kind, TypeKind.INT);
      if (subtract) {
        body.code.iconst_1().ixor();
      }
      body.code.istore(body.frame.carrySlot());
    }
    body.store(instruction, instruction.operand(0), type);
  }

  private void pushTerms(boolean multiply) {
    body.push(instruction, instruction.operand(1), type);
    body.push(instruction, instruction.operand(2), type);
    if (multiply) {
      product();
      body.push(instruction, instruction.operand(3), type);
    }
  }

  private void product() {
    if (modifiers.has("lo")) {
      if (wide) {
        body.code.lmul();
      } else {
        body.code.imul();
      }
    } else if (wide) {
      String name = type.isSigned() ? "multiplyHigh" : "unsignedMultiplyHigh";
      body.invoke(Names.MATH, name, kind, kind, kind);
    } else {
      String name = type.isSigned() ? "mulHigh" : "mulHighUnsigned";
      body.invoke(Names.INTEGERS, name, kind, kind, kind);
    }
  }

  /** What came before leaves to add, or to subtract. */
  private void pushCarryIn(boolean subtract) {
    if (carryIn) {
      body.code.iload(body.frame.carrySlot());
      if (subtract) {
        body.code.iconst_1().ixor();
      }
    } else {
      body.code.iconst_0();
    }
  }

  private void combineInt(boolean subtract) {
    if (subtract) {
      body.code.isub();
    } else {
      body.code.iadd();
    }
    if (carryIn) {
      pushCarryIn(subtract);
      if (subtract) {
        body.code.isub();
      } else {
        body.code.iadd();
      }
    }
  }

  private void combineLong(boolean subtract) {
    if (subtract) {
      body.code.lsub();
    } else {
      body.code.ladd();
    }
    if (carryIn) {
      pushCarryIn(subtract);
      body.code.i2l();
      if (subtract) {
        body.code.lsub();
      } else {
        body.code.ladd();
      }
    }
  }
}
