package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Modifiers;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.Operand;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;

/** Comparisons, as values and as jumps, and selections by them. */
final class ComparisonEmitter {
  private final MethodBody body;
  private final Instruction instruction;
  private final Modifiers modifiers;
  private final PtxType type;
  private final TypeKind kind;
  private final boolean floats;

  /** The half of a packed type that is compared; 0 for other types. */
  private int element;

  private ComparisonEmitter(MethodBody body, Instruction instruction) {
    this.body = body;
    this.instruction = instruction;
    modifiers = instruction.modifiers();
    type = modifiers.type();
    kind = type.isHalf() ? TypeKind.FLOAT : MethodBody.kind(type);
    floats = type.isFloat() || type.isHalf();
  }

  static void emit(MethodBody body, Instruction instruction) {
    ComparisonEmitter emitter = new ComparisonEmitter(body, instruction);
    switch (instruction.opcode()) {
      case SETP -> emitter.setPredicate();
      case SET -> emitter.set();
      case SELP -> emitter.select();
      case SLCT -> emitter.selectBySign();
      default -> throw new IllegalArgumentException(instruction.mnemonic());
    }
  }

  /** Jumps when the guard of an instruction is {@code sense}. */
  static void jumpOnGuard(MethodBody body, Instruction guarded, boolean sense, Label target) {
    Instruction.Guard guard = guarded.guard();
    if (guard == null) {
      throw new IllegalArgumentException("no guard");
    }
    boolean wanted = sense != guard.negated();
    Instruction comparison = body.fusion.comparison(guard.predicate());
    if (comparison != null) {
      new ComparisonEmitter(body, comparison).jump(wanted, target);
      return;
    }
    body.code.iload(body.frame.slot(guard.predicate()));
    if (wanted) {
      body.code.ifne(target);
    } else {
      body.code.ifeq(target);
    }
  }

  private void push(int operand) {
    Operand value = instruction.operand(operand);
    if (type.isHalf()) {
      pushHalf(value);
      return;
    }
    body.push(instruction, value, type);
    if (type == PtxType.F32 && modifiers.has("ftz") && !body.frame.isFlushed(value)) {
      body.invoke(Names.FLOATS, "flush", kind, kind);
    }
  }

  private void pushHalf(Operand value) {
    body.pushElement(instruction, value, type, element);
    boolean half = type.element() == PtxType.F16;
    if (half && modifiers.has("ftz")) {
      body.invoke(Names.HALVES, "flush", TypeKind.INT, TypeKind.INT);
    }
    body.invoke(Names.CONVERSIONS, half ? "fromHalf" : "fromBfloat", kind, TypeKind.INT);
  }

  /** Jumps when the comparison of operands 1 and 2 is {@code wanted}. */
  private void jump(boolean wanted, Label target) {
    push(1);
    push(2);
    if (floats) {
      jumpFloat(wanted ? modifiers.first() : complement(modifiers.first()), target);
    } else {
      String comparison = modifiers.first();
      jumpInteger(wanted ? comparison : integerComplement(comparison), target);
    }
  }

  /** The comparison that holds exactly when this one does not, NaN included. */
  private static String complement(String comparison) {
    return switch (comparison) {
      case "eq" -> "neu";
      case "ne" -> "equ";
      case "lt" -> "geu";
      case "le" -> "gtu";
      case "gt" -> "leu";
      case "ge" -> "ltu";
      case "equ" -> "ne";
      case "neu" -> "eq";
      case "ltu" -> "ge";
      case "leu" -> "gt";
      case "gtu" -> "le";
      case "geu" -> "lt";
      case "num" -> "nan";
      default -> "num";
    };
  }

  private static String integerComplement(String comparison) {
    return switch (comparison) {
      case "eq" -> "ne";
      case "ne" -> "eq";
      case "lt" -> "ge";
      case "le" -> "gt";
      case "gt" -> "le";
      case "ge" -> "lt";
      case "lo" -> "hs";
      case "ls" -> "hi";
      case "hi" -> "ls";
      default -> "lo";
    };
  }

  private void jumpFloat(String comparison, Label target) {
    boolean single = kind == TypeKind.FLOAT;
    switch (comparison) {
      case "ne" -> {
        body.test(Names.FLOATS, "differ", kind, kind);
        body.code.ifne(target);
      }
      case "equ" -> {
        body.test(Names.FLOATS, "differ", kind, kind);
        body.code.ifeq(target);
      }
      case "num" -> {
        body.test(Names.FLOATS, "ordered", kind, kind);
        body.code.ifne(target);
      }
      case "nan" -> {
        body.test(Names.FLOATS, "ordered", kind, kind);
        body.code.ifeq(target);
      }
      default -> {
        // The flavour of the comparison decides on which side a NaN falls.
        boolean nanIsGreater =
            switch (comparison) {
              case "lt", "le", "gtu", "geu" -> true;
              default -> false;
            };
        if (single && nanIsGreater) {
          body.code.fcmpg();
        } else if (single) {
          body.code.fcmpl();
        } else if (nanIsGreater) {
          body.code.dcmpg();
        } else {
          body.code.dcmpl();
        }
        jumpOnSign(comparison.substring(0, 2), target);
      }
    }
  }

  private void jumpOnSign(String comparison, Label target) {
    switch (comparison) {
      case "eq" -> body.code.ifeq(target);
      case "ne" -> body.code.ifne(target);
      case "lt", "lo" -> body.code.iflt(target);
      case "le", "ls" -> body.code.ifle(target);
      case "gt", "hi" -> body.code.ifgt(target);
      default -> body.code.ifge(target);
    }
  }

  private void jumpInteger(String comparison, Label target) {
    boolean unsigned = !type.isSigned();
    boolean equality = comparison.equals("eq") || comparison.equals("ne");
    if (kind == TypeKind.LONG) {
      if (unsigned && !equality) {
        body.invoke(Names.LONG, "compareUnsigned", TypeKind.INT, kind, kind);
      } else {
        body.code.lcmp();
      }
      jumpOnSign(comparison, target);
    } else if (unsigned && !equality && type.sizeBytes() == 4) {
      body.invoke(Names.INTEGER, "compareUnsigned", TypeKind.INT, kind, kind);
      jumpOnSign(comparison, target);
    } else {
      switch (comparison) {
        case "eq" -> body.code.if_icmpeq(target);
        case "ne" -> body.code.if_icmpne(target);
        case "lt", "lo" -> body.code.if_icmplt(target);
        case "le", "ls" -> body.code.if_icmple(target);
        case "gt", "hi" -> body.code.if_icmpgt(target);
        default -> body.code.if_icmpge(target);
      }
    }
  }

  private void checkComparison() {
    boolean unordered =
        switch (modifiers.first()) {
          case "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan" -> true;
          default -> false;
        };
    boolean unsignedOnly =
        switch (modifiers.first()) {
          case "lo", "ls", "hi", "hs" -> true;
          default -> false;
        };
    boolean bits = type.family() == PtxType.Family.BITS;
    boolean equality = modifiers.first().equals("eq") || modifiers.first().equals("ne");
    if ((unordered && !floats)
        || (unsignedOnly && (floats || type.isSigned()))
        || (bits && !equality)) {
      throw MethodBody.refuse(instruction, "compares in a way that its type does not have");
    }
    boolean combined = modifiers.has("and") || modifiers.has("or") || modifiers.has("xor");
    if (combined != (instruction.operands().size() == 4)) {
      throw MethodBody.refuse(instruction, "has a wrong number of operands");
    }
    if (instruction.opcode() == Opcode.SETP
        && isPacked()
        && !(instruction.operand(0) instanceof Operand.Pair)) {
      throw MethodBody.refuse(instruction, "needs a predicate for each half");
    }
  }

  private boolean isPacked() {
    return type.element() != type;
  }

  /** Pushes 1 when the comparison holds, else 0. */
  private void pushTruth(boolean wanted) {
    Label yes = body.code.newLabel();
    Label end = body.code.newLabel();
    jump(wanted, yes);
    body.code.iconst_0().goto_(end).labelBinding(yes).iconst_1().labelBinding(end);
  }

  private void pushCombined(boolean wanted) {
    pushTruth(wanted);
    if (instruction.operands().size() == 4) {
      body.push(instruction, instruction.operand(3), PtxType.PRED);
      switch (modifiers.oneOf("xor", "and", "or")) {
        case "and" -> body.code.iand();
        case "or" -> body.code.ior();
        default -> body.code.ixor();
      }
    }
  }

  private void setPredicate() {
    checkComparison();
    if (body.fusion.isFused(instruction)) {
      return;
    }
    if (!(instruction.operand(0) instanceof Operand.Pair pair)) {
      pushCombined(true);
      body.store(instruction, instruction.operand(0), PtxType.PRED);
      return;
    }
    // Both results are computed before either is stored, for a destination may be an input.
    pushCombined(true);
    if (isPacked()) {
      element = 1;
      pushCombined(true);
    } else {
      pushCombined(false);
    }
    body.store(instruction, pair.second(), PtxType.PRED);
    body.store(instruction, pair.first(), PtxType.PRED);
  }

  private void set() {
    checkComparison();
    PtxType result = modifiers.type(0);
    pushCombined(true);
    if (isPacked()) {
      body.code.loadConstant(truth(result)).imul();
      element = 1;
      pushCombined(true);
      body.code.loadConstant(truth(result)).imul().loadConstant(16).ishl().ior();
    } else if (result.isHalf()) {
      body.code.loadConstant(truth(result)).imul();
    } else if (result.isFloat()) {
      body.code.i2f();
    } else {
      body.code.ineg();
    }
    body.store(instruction, instruction.operand(0), result);
  }

  /** What {@code set} gives for true, in 16 bits: 1.0, or all ones. */
  private static int truth(PtxType result) {
    return switch (result.element()) {
      case F16 -> 0x3C00;
      case BF16 -> 0x3F80;
      default -> 0xFFFF;
    };
  }

  private void select() {
    Label first = body.code.newLabel();
    Label end = body.code.newLabel();
    jumpOnPredicate(instruction.operand(3), first);
    body.push(instruction, instruction.operand(2), type);
    body.code.goto_(end).labelBinding(first);
    body.push(instruction, instruction.operand(1), type);
    body.code.labelBinding(end);
    body.store(instruction, instruction.operand(0), type);
  }

  private void jumpOnPredicate(Operand predicate, Label target) {
    if (predicate instanceof Operand.Register r) {
      Instruction comparison = body.fusion.comparison(r.register());
      if (comparison != null) {
        new ComparisonEmitter(body, comparison).jump(true, target);
        return;
      }
    }
    body.push(instruction, predicate, PtxType.PRED);
    body.code.ifne(target);
  }

  private void selectBySign() {
    PtxType value = modifiers.type(0);
    Label first = body.code.newLabel();
    Label end = body.code.newLabel();
    push(3);
    if (type == PtxType.F32) {
      // -0 counts as not negative, NaN as negative.
      body.code.fconst_0().fcmpl();
    }
    body.code.ifge(first);
    body.push(instruction, instruction.operand(2), value);
    body.code.goto_(end).labelBinding(first);
    body.push(instruction, instruction.operand(1), value);
    body.code.labelBinding(end);
    body.store(instruction, instruction.operand(0), value);
  }
}
