package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.Operand;
import java.lang.classfile.TypeKind;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/** Integer arithmetic on the parts of a 32-bit word: u16x2, s16x2, and dot products. */
final class PackedIntegerEmitter {
  private static final TypeKind INT = TypeKind.INT;

  private PackedIntegerEmitter() {}

  /** {@code add}, {@code min} and {@code max} in u16x2 and s16x2. */
  static void emit(MethodBody body, Instruction instruction) {
    PtxType type = instruction.modifiers().type();
    for (int element = 0; element < 2; element++) {
      body.pushElement(instruction, instruction.operand(1), type, element);
      body.pushElement(instruction, instruction.operand(2), type, element);
      switch (instruction.opcode()) {
        case ADD -> body.code.iadd();
        case MIN -> body.invoke(Names.MATH, "min", INT, INT, INT);
        case MAX -> body.invoke(Names.MATH, "max", INT, INT, INT);
        default -> throw new IllegalArgumentException(instruction.mnemonic());
      }
      if (instruction.modifiers().has("relu")) {
        body.code.iconst_0();
        body.invoke(Names.MATH, "max", INT, INT, INT);
      }
      body.extend(PtxType.U16);
    }
    body.code.loadConstant(16).ishl().ior();
    body.store(instruction, instruction.operand(0), type);
  }

  /** {@code dp2a} and {@code dp4a}. */
  static void emitDotProduct(MethodBody body, Instruction instruction) {
    for (int i = 1; i <= 3; i++) {
      body.push(instruction, instruction.operand(i), PtxType.B32);
    }
    boolean signedA = instruction.modifiers().type(0).isSigned();
    boolean signedB = instruction.modifiers().type(1).isSigned();
    body.code.loadConstant(signedA ? 1 : 0).loadConstant(signedB ? 1 : 0);
    String name = "dot4";
    if (instruction.opcode() == Opcode.DP2A) {
      name = instruction.modifiers().has("lo") ? "dot2Low" : "dot2High";
    }
    body.code.invokestatic(
        Names.INTEGERS,
        name,
        MethodTypeDesc.of(
            ConstantDescs.CD_int,
            ConstantDescs.CD_int,
            ConstantDescs.CD_int,
            ConstantDescs.CD_int,
            ConstantDescs.CD_boolean,
            ConstantDescs.CD_boolean));
    body.store(instruction, instruction.operand(0), PtxType.B32);
  }

  /** {@code vabsdiff2} and {@code vabsdiff4}: for each part, or the sum of all and a word. */
  static void emitVideo(MethodBody body, Instruction instruction) {
    Operand c = instruction.operand(3);
    boolean sums = instruction.modifiers().has("add");
    for (int i = 1; i <= 2; i++) {
      body.push(instruction, instruction.operand(i), PtxType.B32);
    }
    if (sums) {
      body.push(instruction, c, PtxType.B32);
    }
    String name = instruction.mnemonic().startsWith("vabsdiff4") ? "Bytes" : "Halves";
    if (sums) {
      body.invoke(Names.INTEGERS, "sumAbsDifference" + name, INT, INT, INT, INT);
    } else {
      body.invoke(Names.INTEGERS, "absDifference" + name, INT, INT, INT);
    }
    body.store(instruction, instruction.operand(0), PtxType.B32);
  }
}
