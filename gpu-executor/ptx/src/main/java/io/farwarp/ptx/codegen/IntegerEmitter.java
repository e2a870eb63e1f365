package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Modifiers;
import java.lang.classfile.TypeKind;

/** Integer arithmetic. */
final class IntegerEmitter {
  private final MethodBody body;
  private final Instruction instruction;
  private final Modifiers modifiers;
  private final PtxType type;
  private final boolean wide;
  private final boolean signed;
  private final TypeKind kind;

  private IntegerEmitter(MethodBody body, Instruction instruction) {
    this.body = body;
    this.instruction = instruction;
    modifiers = instruction.modifiers();
    type = modifiers.type();
    wide = type.sizeBytes() == 8;
    signed = type.isSigned();
    kind = MethodBody.kind(type);
  }

  static void emit(MethodBody body, Instruction instruction) {
    if (instruction.modifiers().has("cc")) {
      CarryEmitter.emit(body, instruction);
      return;
    }
    new IntegerEmitter(body, instruction).emit();
  }

  private void emit() {
    switch (instruction.opcode()) {
      case ADD, SUB -> sum();
      case MUL -> {
        product();
        storeProduct();
      }
      case MAD -> multiplyAdd();
      case MUL24 -> {
        product24();
        store();
      }
      case MAD24 -> multiplyAdd24();
      case DIV -> divide("div");
      case REM -> divide("rem");
      case NEG -> {
        push(1);
        if (wide) {
          body.code.lneg();
        } else {
          body.code.ineg();
        }
        store();
      }
      case ABS -> {
        push(1);
        body.invoke(Names.MATH, "abs", kind, kind);
        store();
      }
      case MIN -> choose("min");
      case MAX -> choose("max");
      case SAD -> absoluteDifference();
      default -> throw new IllegalArgumentException(instruction.mnemonic());
    }
  }

  private void push(int operand) {
    body.push(instruction, instruction.operand(operand), type);
  }

  private void store() {
    body.store(instruction, instruction.operand(0), type);
  }

  private void add() {
    if (wide) {
      body.code.ladd();
    } else {
      body.code.iadd();
    }
  }

  private void sum() {
    boolean add = instruction.opcode() == io.farwarp.ptx.ir.Opcode.ADD;
    push(1);
    push(2);
    if (modifiers.has("sat")) {
      body.invoke(Names.INTEGERS, add ? "addSaturated" : "subSaturated", kind, kind, kind);
    } else if (add) {
      add();
    } else if (wide) {
      body.code.lsub();
    } else {
      body.code.isub();
    }
    store();
  }

  /** Pushes the product; of twice the width for {@code .wide}. */
  private void product() {
    if (modifiers.has("wide")) {
      wideProduct();
      return;
    }
    push(1);
    push(2);
    if (modifiers.has("lo")) {
      if (wide) {
        body.code.lmul();
      } else {
        body.code.imul();
      }
    } else {
      highProduct();
    }
  }

  /** Turns two factors on the stack into the upper half of their product. */
  private void highProduct() {
    if (type.sizeBytes() == 2) {
      body.code.imul().loadConstant(16);
      if (signed) {
        body.code.ishr();
      } else {
        body.code.iushr();
      }
    } else if (wide) {
      body.invoke(Names.MATH, signed ? "multiplyHigh" : "unsignedMultiplyHigh", kind, kind, kind);
    } else {
      body.invoke(Names.INTEGERS, signed ? "mulHigh" : "mulHighUnsigned", kind, kind, kind);
    }
  }

  private void wideProduct() {
    push(1);
    if (type.sizeBytes() == 2) {
      push(2);
      body.code.imul();
      return;
    }
    body.widenToLong(signed);
    push(2);
    body.widenToLong(signed);
    body.code.lmul();
  }

  private PtxType productType() {
    if (!modifiers.has("wide")) {
      return type;
    }
    return switch (type) {
      case S16 -> PtxType.S32;
      case U16 -> PtxType.U32;
      case S32 -> PtxType.S64;
      default -> PtxType.U64;
    };
  }

  private void storeProduct() {
    body.store(instruction, instruction.operand(0), productType());
  }

  private void multiplyAdd() {
    product();
    PtxType sumType = productType();
    body.push(instruction, instruction.operand(3), sumType);
    if (modifiers.has("sat")) {
      body.invoke(Names.INTEGERS, "addSaturated", kind, kind, kind);
    } else if (sumType.sizeBytes() == 8) {
      body.code.ladd();
    } else {
      body.code.iadd();
    }
    storeProduct();
  }

  private void product24() {
    push(1);
    push(2);
    String name = modifiers.has("lo") ? "mul24Low" : "mul24High";
    body.invoke(Names.INTEGERS, signed ? name : name + "Unsigned", kind, kind, kind);
  }

  private void multiplyAdd24() {
    product24();
    push(3);
    if (modifiers.has("sat")) {
      body.invoke(Names.INTEGERS, "addSaturated", kind, kind, kind);
    } else {
      body.code.iadd();
    }
    store();
  }

  private void divide(String name) {
    push(1);
    push(2);
    // Sixteen-bit operands are extended, so 32-bit division serves both signs.
    boolean unsigned = !signed && type.sizeBytes() > 2;
    body.invoke(Names.INTEGERS, unsigned ? name + "Unsigned" : name, kind, kind, kind);
    store();
  }

  private void choose(String name) {
    push(1);
    push(2);
    if (signed || type.sizeBytes() == 2) {
      body.invoke(Names.MATH, name, kind, kind, kind);
    } else {
      body.invoke(Names.INTEGERS, name + "Unsigned", kind, kind, kind);
    }
    if (modifiers.has("relu")) {
      body.code.iconst_0();
      body.invoke(Names.MATH, "max", kind, kind, kind);
    }
    store();
  }

  private void absoluteDifference() {
    push(1);
    push(2);
    boolean plain = signed || type.sizeBytes() == 2;
    body.invoke(
        Names.INTEGERS, plain ? "absDifference" : "absDifferenceUnsigned", kind, kind, kind);
    push(3);
    add();
    store();
  }
}
