package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Modifiers;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.syntax.SourceOperand.NumberKind;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;

/** Floating-point arithmetic and functions. */
final class FloatEmitter {
  private final MethodBody body;
  private final Instruction instruction;
  private final Modifiers modifiers;
  private final PtxType type;
  private final TypeKind kind;
  private final boolean single;
  private final boolean flush;

  private FloatEmitter(MethodBody body, Instruction instruction) {
    this.body = body;
    this.instruction = instruction;
    modifiers = instruction.modifiers();
    type = modifiers.type();
    kind = MethodBody.kind(type);
    single = type == PtxType.F32;
    flush = single && modifiers.has("ftz");
  }

  static void emit(MethodBody body, Instruction instruction) {
    new FloatEmitter(body, instruction).emit();
  }

  private void emit() {
    if (instruction.opcode() == Opcode.TESTP) {
      push(1);
      body.test(Names.FLOATS, modifiers.first(), kind);
      body.store(instruction, instruction.operand(0), PtxType.PRED);
      return;
    }
    switch (instruction.opcode()) {
      case ADD, SUB -> sum();
      case MUL -> product();
      case MAD, FMA -> fused();
      case DIV -> quotient();
      case RCP -> reciprocal();
      case NEG -> negate();
      case ABS -> unary(Names.MATH, "abs");
      case MIN, MAX -> choose();
      case SQRT -> squareRoot();
      case RSQRT -> unary(Names.APPROXIMATE, "rsqrt");
      case EX2 -> {
        // 2^x is 1 for a subnormal x, flushed or not.
        body.push(instruction, instruction.operand(1), type);
        body.invoke(Names.APPROXIMATE, "ex2", kind, kind);
      }
      case LG2 -> unary(Names.APPROXIMATE, "lg2");
      case SIN -> unary(Names.APPROXIMATE, "sin");
      case COS -> unary(Names.APPROXIMATE, "cos");
      case TANH -> unary(Names.APPROXIMATE, "tanh");
      case COPYSIGN -> binary(Names.FLOATS, "copySign");
      default -> throw new IllegalArgumentException(instruction.mnemonic());
    }
    finish();
  }

  private void push(int operand) {
    Operand value = instruction.operand(operand);
    body.push(instruction, value, type);
    if (flush && !body.frame.isFlushed(value)) {
      body.invoke(Names.FLOATS, "flush", kind, kind);
    }
  }

  private void finish() {
    if (flush && canBeSubnormal()) {
      body.invoke(Names.FLOATS, "flush", kind, kind);
    }
    if (modifiers.has("sat")) {
      body.invoke(Names.FLOATS, "saturate", kind, kind);
    }
    body.store(instruction, instruction.operand(0), type);
  }

  /** Some results cannot be subnormal when the operands are not. */
  private boolean canBeSubnormal() {
    return switch (instruction.opcode()) {
      case SQRT, RSQRT, NEG, ABS, MIN, MAX, LG2, COS -> false;
      case ADD, SUB -> !hasLargeConstant(1) && !hasLargeConstant(2);
      case FMA, MAD -> !hasLargeConstant(3);
      default -> true;
    };
  }

  /**
   * Whether an addend is a constant of at least 2<sup>-60</sup>: what is left when a float, or a
   * product of two, nearly cancels it is zero or far above the subnormal numbers.
   */
  private boolean hasLargeConstant(int operand) {
    Operand addend = instruction.operand(operand);
    Long bits =
        switch (addend) {
          case Operand.Immediate i when i.kind() == NumberKind.FLOAT32 -> Long.valueOf(i.bits());
          case Operand.Register r -> body.frame.constant(r.register());
          default -> null;
        };
    return bits != null && Math.abs(Float.intBitsToFloat(bits.intValue())) >= 0x1p-60f;
  }

  private String directed(String operation) {
    return operation
        + switch (modifiers.rounding()) {
          case 'z' -> "Zero";
          case 'm' -> "Down";
          default -> "Up";
        };
  }

  private boolean nearest() {
    return modifiers.rounding() == 'n';
  }

  private void unary(ClassDesc owner, String name) {
    push(1);
    body.invoke(owner, name, kind, kind);
  }

  private void binary(ClassDesc owner, String name) {
    push(1);
    push(2);
    body.invoke(owner, name, kind, kind, kind);
  }

  private void sum() {
    boolean subtract = instruction.opcode() == Opcode.SUB;
    push(1);
    push(2);
    if (!nearest()) {
      if (subtract) {
        negateTop();
      }
      body.invoke(Names.DIRECTED, directed("add"), kind, kind, kind);
    } else if (single) {
      if (subtract) {
        body.code.fsub();
      } else {
        body.code.fadd();
      }
    } else if (subtract) {
      body.code.dsub();
    } else {
      body.code.dadd();
    }
  }

  private void product() {
    push(1);
    push(2);
    if (!nearest()) {
      body.invoke(Names.DIRECTED, directed("mul"), kind, kind, kind);
    } else if (single) {
      body.code.fmul();
    } else {
      body.code.dmul();
    }
  }

  private void fused() {
    push(1);
    push(2);
    push(3);
    if (nearest()) {
      body.invoke(Names.MATH, "fma", kind, kind, kind, kind);
    } else {
      body.invoke(Names.DIRECTED, directed("fma"), kind, kind, kind, kind);
    }
  }

  private void quotient() {
    push(1);
    push(2);
    if (modifiers.has("approx")) {
      body.invoke(Names.FLOATS, "divApproximate", kind, kind, kind);
    } else {
      divideTop();
    }
  }

  private void divideTop() {
    if (!nearest()) {
      body.invoke(Names.DIRECTED, directed("div"), kind, kind, kind);
    } else if (single) {
      body.code.fdiv();
    } else {
      body.code.ddiv();
    }
  }

  private void reciprocal() {
    if (single) {
      body.code.loadConstant(1f);
    } else {
      body.code.loadConstant(1.0);
    }
    push(1);
    divideTop();
  }

  private void negate() {
    push(1);
    negateTop();
  }

  private void negateTop() {
    if (single) {
      body.code.fneg();
    } else {
      body.code.dneg();
    }
  }

  private void choose() {
    String name = instruction.opcode() == Opcode.MIN ? "min" : "max";
    boolean signs = modifiers.has("xorsign");
    for (int i = 1; i <= 2; i++) {
      push(i);
      if (signs) {
        body.invoke(Names.MATH, "abs", kind, kind);
      }
    }
    body.invoke(modifiers.has("NaN") ? Names.MATH : Names.FLOATS, name, kind, kind, kind);
    if (signs) {
      push(1);
      push(2);
      body.invoke(Names.FLOATS, "xorSign", kind, kind, kind, kind);
    }
  }

  private void squareRoot() {
    if (!nearest()) {
      unary(Names.DIRECTED, directed("sqrt"));
    } else if (single) {
      // C2 turns this into the single-precision instruction.
      push(1);
      body.code.f2d();
      body.invoke(Names.MATH, "sqrt", TypeKind.DOUBLE, TypeKind.DOUBLE);
      body.code.d2f();
    } else {
      unary(Names.MATH, "sqrt");
    }
  }
}
