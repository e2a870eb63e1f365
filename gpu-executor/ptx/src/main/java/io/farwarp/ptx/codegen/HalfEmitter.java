package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Modifiers;
import java.lang.classfile.TypeKind;

/**
 * Arithmetic in f16 and bf16. The JVM holds them as ints; a packed instruction is the scalar one
 * done for its lower and its upper half.
 */
final class HalfEmitter {
  private static final TypeKind INT = TypeKind.INT;

  private final MethodBody body;
  private final Instruction instruction;
  private final Modifiers modifiers;
  private final PtxType type;
  private final boolean flush;

  /** {@code Half} or {@code Bfloat}, as the methods of {@code HalfOps} end. */
  private final String format;

  private HalfEmitter(MethodBody body, Instruction instruction) {
    this.body = body;
    this.instruction = instruction;
    modifiers = instruction.modifiers();
    type = modifiers.type();
    format = type.element() == PtxType.F16 ? "Half" : "Bfloat";
    flush = format.equals("Half") && modifiers.has("ftz");
  }

  static void emit(MethodBody body, Instruction instruction) {
    new HalfEmitter(body, instruction).emit();
  }

  private void emit() {
    if (type.element() == type) {
      element(0);
    } else {
      // The whole result is made before it is stored, for the destination may be an operand.
      element(0);
      element(1);
      body.code.loadConstant(16).ishl().ior();
    }
    body.store(instruction, instruction.operand(0), type);
  }

  private void element(int index) {
    switch (instruction.opcode()) {
      case ADD -> operation("add", index, 2);
      case SUB -> operation("sub", index, 2);
      case MUL -> operation("mul", index, 2);
      case FMA -> operation("fma", index, 3);
      case EX2 -> operation("ex2", index, 1);
      case TANH -> operation("tanh", index, 1);
      case NEG -> {
        push(1, index);
        body.code.loadConstant(0x8000).ixor();
      }
      case ABS -> {
        push(1, index);
        body.code.loadConstant(0x7FFF).iand();
      }
      case MIN -> choose("min", index);
      case MAX -> choose("max", index);
      default -> throw new IllegalArgumentException(instruction.mnemonic());
    }
    if (flush) {
      invoke("flush", 1);
    }
    if (modifiers.has("sat")) {
      invoke("saturate", 1);
    }
    if (modifiers.has("relu")) {
      invoke("relu" + format, 1);
    }
  }

  private void push(int operand, int index) {
    body.pushElement(instruction, instruction.operand(operand), type, index);
    if (flush) {
      invoke("flush", 1);
    }
  }

  private void operation(String name, int index, int operands) {
    for (int i = 1; i <= operands; i++) {
      push(i, index);
    }
    invoke(name + format, operands);
  }

  private void choose(String name, int index) {
    boolean signs = modifiers.has("xorsign");
    for (int i = 1; i <= 2; i++) {
      push(i, index);
      if (signs) {
        body.code.loadConstant(0x7FFF).iand();
      }
    }
    invoke(name + (modifiers.has("NaN") ? "Nan" : "") + format, 2);
    if (signs) {
      push(1, index);
      push(2, index);
      invoke("sign" + format, 3);
    }
  }

  private void invoke(String name, int operands) {
    TypeKind[] kinds = new TypeKind[operands];
    java.util.Arrays.fill(kinds, INT);
    body.invoke(Names.HALVES, name, INT, kinds);
  }
}
