package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Modifiers;
import io.farwarp.ptx.ir.Operand;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import org.jspecify.annotations.Nullable;

/** Logic, shifts and bit fields. */
final class BitEmitter {
  private static final TypeKind INT = TypeKind.INT;

  private final MethodBody body;
  private final Instruction instruction;
  private final Modifiers modifiers;
  private final PtxType type;
  private final TypeKind kind;
  private final boolean wide;

  private BitEmitter(MethodBody body, Instruction instruction) {
    this.body = body;
    this.instruction = instruction;
    modifiers = instruction.modifiers();
    type = modifiers.type();
    kind = MethodBody.kind(type);
    wide = kind == TypeKind.LONG;
  }

  static void emit(MethodBody body, Instruction instruction) {
    new BitEmitter(body, instruction).emit();
  }

  private void emit() {
    switch (instruction.opcode()) {
      case AND, OR, XOR -> logic();
      case NOT -> not();
      case CNOT -> countZero();
      case SHL -> shiftLeft();
      case SHR -> shiftRight();
      case SHF -> funnel();
      case BFE -> extract();
      case BFI -> insert();
      case BFIND -> find();
      case BREV -> reverse();
      case POPC -> count("bitCount");
      case CLZ -> count("numberOfLeadingZeros");
      case PRMT -> permute();
      case LOP3 -> logic3();
      case BMSK -> words("mask" + mode(), 2);
      case SZEXT -> words((type.isSigned() ? "sign" : "zero") + "Extend" + mode(), 2);
      case FNS -> words("findNth", 3);
      default -> throw new IllegalArgumentException(instruction.mnemonic());
    }
  }

  private void push(int operand) {
    body.push(instruction, instruction.operand(operand), type);
  }

  private void pushWord(int operand) {
    body.push(instruction, instruction.operand(operand), PtxType.U32);
  }

  private void store() {
    body.store(instruction, instruction.operand(0), type);
  }

  private void logic() {
    push(1);
    push(2);
    switch (instruction.opcode()) {
      case AND -> {
        if (wide) {
          body.code.land();
        } else {
          body.code.iand();
        }
      }
      case OR -> {
        if (wide) {
          body.code.lor();
        } else {
          body.code.ior();
        }
      }
      default -> {
        if (wide) {
          body.code.lxor();
        } else {
          body.code.ixor();
        }
      }
    }
    store();
  }

  private void not() {
    push(1);
    if (type == PtxType.PRED) {
      body.code.iconst_1().ixor();
    } else if (wide) {
      body.code.loadConstant(-1L).lxor();
    } else {
      body.code.iconst_m1().ixor();
    }
    store();
  }

  private void countZero() {
    push(1);
    var zero = body.code.newLabel();
    var end = body.code.newLabel();
    if (wide) {
      body.code.lconst_0().lcmp();
    }
    body.code.ifeq(zero);
    pushTruth(0);
    body.code.goto_(end).labelBinding(zero);
    pushTruth(1);
    body.code.labelBinding(end);
    store();
  }

  private void pushTruth(int value) {
    if (wide) {
      body.code.loadConstant((long) value);
    } else {
      body.code.loadConstant(value);
    }
  }

  /** A constant shift amount within the width, which needs no clamp, or null. */
  private @Nullable Integer plainAmount() {
    if (instruction.operand(2) instanceof Operand.Immediate immediate
        && immediate.bits() >= 0
        && immediate.bits() < type.sizeBytes() * 8L) {
      return (int) immediate.bits();
    }
    return null;
  }

  private void shiftLeft() {
    push(1);
    Integer amount = plainAmount();
    if (amount != null) {
      body.code.loadConstant((int) amount);
      if (wide) {
        body.code.lshl();
      } else {
        body.code.ishl();
      }
    } else if (wide) {
      pushWord(2);
      body.invoke(Names.BITS, "shl", kind, kind, INT);
    } else {
      pushWord(2);
      body.code.loadConstant(type.sizeBytes() * 8);
      body.invoke(Names.BITS, "shl", INT, INT, INT, INT);
    }
    store();
  }

  private void shiftRight() {
    push(1);
    Integer amount = plainAmount();
    if (amount == null) {
      pushWord(2);
      body.invoke(Names.BITS, type.isSigned() ? "shr" : "shrUnsigned", kind, kind, INT);
      store();
      return;
    }
    body.code.loadConstant((int) amount);
    if (type.isSigned()) {
      if (wide) {
        body.code.lshr();
      } else {
        body.code.ishr();
      }
    } else if (wide) {
      body.code.lushr();
    } else {
      body.code.iushr();
    }
    store();
  }

  private void funnel() {
    push(1);
    push(2);
    push(3);
    String name = modifiers.has("l") ? "funnelLeft" : "funnelRight";
    body.invoke(Names.BITS, name + (modifiers.has("wrap") ? "Wrap" : "Clamp"), INT, INT, INT, INT);
    store();
  }

  private void extract() {
    push(1);
    pushWord(2);
    pushWord(3);
    body.invoke(Names.BITS, type.isSigned() ? "extract" : "extractUnsigned", kind, kind, INT, INT);
    store();
  }

  private void insert() {
    push(1);
    push(2);
    pushWord(3);
    pushWord(4);
    body.invoke(Names.BITS, "insert", kind, kind, kind, INT, INT);
    store();
  }

  private void find() {
    push(1);
    body.invoke(Names.BITS, type.isSigned() ? "find" : "findUnsigned", INT, kind);
    if (modifiers.has("shiftamt")) {
      body.code.loadConstant(wide ? 63 : 31);
      body.invoke(Names.BITS, "shiftAmount", INT, INT, INT);
    }
    body.store(instruction, instruction.operand(0), PtxType.U32);
  }

  private void reverse() {
    push(1);
    body.invoke(wide ? Names.LONG : Names.INTEGER, "reverse", kind, kind);
    store();
  }

  private void count(String name) {
    push(1);
    body.invoke(wide ? Names.LONG : Names.INTEGER, name, INT, kind);
    body.store(instruction, instruction.operand(0), PtxType.U32);
  }

  private void permute() {
    push(1);
    push(2);
    push(3);
    String mode = modifiers.oneOf("", "f4e", "b4e", "rc8", "ecl", "ecr", "rc16");
    if (mode.isEmpty()) {
      body.invoke(Names.BITS, "permute", INT, INT, INT, INT);
    } else {
      body.code.loadConstant(mode);
      body.code.invokestatic(
          Names.BITS,
          "permute",
          MethodTypeDesc.of(
              ConstantDescs.CD_int,
              ConstantDescs.CD_int,
              ConstantDescs.CD_int,
              ConstantDescs.CD_int,
              ConstantDescs.CD_String));
    }
    store();
  }

  /** {@code lop3.or} and {@code lop3.and}: also whether the result is not 0, and a predicate. */
  private void storeWithPredicate() {
    if (!(instruction.operand(0) instanceof Operand.Pair pair)) {
      throw MethodBody.refuse(instruction, "needs a result and a predicate");
    }
    // Both results are made before either is stored, for a destination may be an input.
    body.code.dup();
    Label zero = body.code.newLabel();
    Label end = body.code.newLabel();
    body.code.ifeq(zero).iconst_1().goto_(end).labelBinding(zero).iconst_0().labelBinding(end);
    body.push(instruction, instruction.operand(5), PtxType.PRED);
    if (modifiers.has("or")) {
      body.code.ior();
    } else {
      body.code.iand();
    }
    body.store(instruction, pair.second(), PtxType.PRED);
    body.store(instruction, pair.first(), type);
  }

  private String mode() {
    return modifiers.has("wrap") ? "Wrap" : "Clamp";
  }

  private void words(String name, int operands) {
    TypeKind[] kinds = new TypeKind[operands];
    for (int i = 0; i < operands; i++) {
      kinds[i] = INT;
      pushWord(i + 1);
    }
    body.invoke(Names.BITS, name, INT, kinds);
    store();
  }

  private void logic3() {
    if (!(instruction.operand(4) instanceof Operand.Immediate table)
        || table.bits() < 0
        || table.bits() > 255) {
      throw MethodBody.refuse(instruction, "needs a truth table of 0 to 255");
    }
    push(1);
    push(2);
    push(3);
    body.code.loadConstant((int) table.bits());
    body.invoke(Names.BITS, "logic3", INT, INT, INT, INT, INT);
    if (instruction.operands().size() == 6) {
      storeWithPredicate();
    } else {
      store();
    }
  }
}
