package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.PtxType.Family;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Modifiers;
import io.farwarp.ptx.ir.Opcode;
import java.lang.classfile.TypeKind;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/** {@code cvt} between all number types. */
final class ConversionEmitter {
  private static final TypeKind INT = TypeKind.INT;
  private static final TypeKind LONG = TypeKind.LONG;
  private static final TypeKind FLOAT = TypeKind.FLOAT;
  private static final TypeKind DOUBLE = TypeKind.DOUBLE;

  private final MethodBody body;
  private final Instruction instruction;
  private final Modifiers modifiers;
  private final PtxType to;
  private final PtxType from;
  private final boolean flush;
  private final boolean saturate;

  /** {@code n z m p}, or 0 when no rounding of a float result is named. */
  private final char rounding;

  /** The rounding to an integral value: {@code n z m p}, or 0. */
  private final char integral;

  private ConversionEmitter(MethodBody body, Instruction instruction) {
    this.body = body;
    this.instruction = instruction;
    modifiers = instruction.modifiers();
    to = modifiers.type(0);
    from = modifiers.type(1);
    flush = modifiers.has("ftz");
    saturate = modifiers.has("sat");
    rounding = letter(modifiers.oneOf("", "rn", "rz", "rm", "rp"));
    integral = letter(modifiers.oneOf("", "rni", "rzi", "rmi", "rpi"));
  }

  private static char letter(String rounding) {
    return rounding.isEmpty() ? 0 : rounding.charAt(1);
  }

  static void emit(MethodBody body, Instruction instruction) {
    new ConversionEmitter(body, instruction).emit();
  }

  private void emit() {
    if (instruction.opcode() == Opcode.CVT_PACK) {
      pack();
      return;
    }
    if (to.element() != to) {
      packHalves();
      return;
    }
    body.pushNarrowed(instruction, instruction.operand(1), from);
    boolean fromInteger = isInteger(from);
    boolean toInteger = isInteger(to);
    if (fromInteger && toInteger) {
      integerToInteger();
    } else if (fromInteger) {
      integerToFloat();
    } else if (toInteger) {
      floatToInteger();
    } else {
      floatToFloat();
    }
    body.storeWidened(instruction, instruction.operand(0), to);
  }

  /** Two f32 to a packed type; the first goes into the upper half. */
  private void packHalves() {
    for (int i = 1; i <= 2; i++) {
      body.push(instruction, instruction.operand(i), from);
      body.code.f2d();
      narrow();
      if (i == 1) {
        body.code.loadConstant(16).ishl();
      }
    }
    body.code.ior();
    body.store(instruction, instruction.operand(0), to);
  }

  /** {@code cvt.pack}: two clamped integers below what is kept of the third operand. */
  private void pack() {
    String target = modifiers.word(2);
    int bits = Integer.parseInt(target.substring(1));
    int top = target.charAt(0) == 's' ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
    int bottom = target.charAt(0) == 's' ? -top - 1 : 0;
    boolean three = instruction.operands().size() == 4;
    if (three) {
      body.push(instruction, instruction.operand(3), PtxType.B32);
      body.code.loadConstant(2 * bits).ishl();
    }
    for (int i = 1; i <= 2; i++) {
      body.push(instruction, instruction.operand(i), PtxType.S32);
      body.code.loadConstant(bottom);
      body.invoke(Names.MATH, "max", INT, INT, INT);
      body.code.loadConstant(top);
      body.invoke(Names.MATH, "min", INT, INT, INT);
      body.code.loadConstant((1 << bits) - 1).iand();
      if (i == 1) {
        body.code.loadConstant(bits).ishl();
      }
      if (i == 2 || three) {
        body.code.ior();
      }
    }
    body.store(instruction, instruction.operand(0), PtxType.B32);
  }

  private static boolean isInteger(PtxType type) {
    return type.family() == Family.SIGNED || type.family() == Family.UNSIGNED;
  }

  private void require(boolean condition) {
    if (!condition) {
      throw MethodBody.refuse(instruction, "needs another rounding");
    }
  }

  private void integerToInteger() {
    require(rounding == 0 && integral == 0);
    if (saturate) {
      toLong();
      int bits = to.sizeBytes() * 8;
      body.code.loadConstant(bits);
      if (from == PtxType.U64) {
        body.code.loadConstant(to.isSigned() ? 1 : 0);
        body.code.invokestatic(
            Names.CONVERSIONS,
            "clampFromUnsigned",
            MethodTypeDesc.of(
                ConstantDescs.CD_long,
                ConstantDescs.CD_long,
                ConstantDescs.CD_int,
                ConstantDescs.CD_boolean));
      } else {
        String name = to.isSigned() ? "clampSigned" : "clampUnsigned";
        body.invoke(Names.CONVERSIONS, name, LONG, LONG, INT);
      }
      if (to.sizeBytes() < 8) {
        body.code.l2i();
      }
    } else if (to.sizeBytes() == 8) {
      toLong();
    } else if (from.sizeBytes() == 8) {
      body.code.l2i();
    }
  }

  /** Makes a long of the integer on the stack. */
  private void toLong() {
    if (from.sizeBytes() < 8) {
      body.widenToLong(from.isSigned());
    }
  }

  private void integerToFloat() {
    require(rounding != 0 && integral == 0);
    if (to == PtxType.F32) {
      integerTo(FLOAT, "toFloat", "unsignedToFloat");
      saturateTop(FLOAT);
    } else if (to == PtxType.F64) {
      integerTo(DOUBLE, "toDouble", "unsignedToDouble");
      saturateTop(DOUBLE);
    } else {
      toLong();
      body.code.loadConstant(from == PtxType.U64 ? 0 : 1);
      body.code.invokestatic(
          Names.CONVERSIONS,
          "sticky",
          MethodTypeDesc.of(
              ConstantDescs.CD_double, ConstantDescs.CD_long, ConstantDescs.CD_boolean));
      saturateTop(DOUBLE);
      narrow();
    }
  }

  private void integerTo(TypeKind target, String directed, String unsigned) {
    if (rounding != 'n') {
      toLong();
      body.code.loadConstant(from == PtxType.U64 ? 0 : 1);
      body.code.loadConstant((int) rounding);
      body.code.invokestatic(
          Names.CONVERSIONS,
          directed,
          MethodTypeDesc.of(
              Names.primitive(target),
              ConstantDescs.CD_long,
              ConstantDescs.CD_boolean,
              ConstantDescs.CD_int));
    } else if (from == PtxType.U64) {
      body.invoke(Names.CONVERSIONS, unsigned, target, LONG);
    } else if (from == PtxType.S64 || from == PtxType.U32) {
      toLong();
      if (target == FLOAT) {
        body.code.l2f();
      } else {
        body.code.l2d();
      }
    } else if (target == FLOAT) {
      body.code.i2f();
    } else {
      body.code.i2d();
    }
  }

  private void saturateTop(TypeKind kind) {
    if (saturate) {
      body.invoke(Names.FLOATS, "saturate", kind, kind);
    }
  }

  private void flushTop() {
    if (flush) {
      body.invoke(Names.FLOATS, "flush", FLOAT, FLOAT);
    }
  }

  /** Makes a double of the float on the stack, flushing a subnormal f32 if asked. */
  private void sourceToDouble() {
    switch (from) {
      case F32 -> {
        flushTop();
        body.code.f2d();
      }
      case F16 -> {
        body.invoke(Names.CONVERSIONS, "fromHalf", FLOAT, INT);
        body.code.f2d();
      }
      case BF16 -> {
        body.invoke(Names.CONVERSIONS, "fromBfloat", FLOAT, INT);
        body.code.f2d();
      }
      default -> {
        // Already a double.
      }
    }
  }

  private void roundIntegral() {
    switch (integral) {
      case 'n' -> body.invoke(Names.MATH, "rint", DOUBLE, DOUBLE);
      case 'm' -> body.invoke(Names.MATH, "floor", DOUBLE, DOUBLE);
      case 'p' -> body.invoke(Names.MATH, "ceil", DOUBLE, DOUBLE);
      default -> body.invoke(Names.CONVERSIONS, "truncate", DOUBLE, DOUBLE);
    }
  }

  private void floatToInteger() {
    require(integral != 0 && rounding == 0);
    if (from == PtxType.F32 && integral == 'z' && to == PtxType.S32) {
      body.code.f2i();
      return;
    }
    sourceToDouble();
    if (integral != 'z') {
      roundIntegral();
    }
    if (from == PtxType.F64 || to.sizeBytes() == 8) {
      // The ISA gives NaN the highest bit alone here, and 0 elsewhere.
      body.code.loadConstant(
          to.isSigned() ? Double.NEGATIVE_INFINITY : Math.scalb(1.0, to.sizeBytes() * 8 - 1));
      body.invoke(Names.CONVERSIONS, "replaceNan", DOUBLE, DOUBLE, DOUBLE);
    }
    switch (to) {
      case S32 -> body.code.d2i();
      case S64 -> body.code.d2l();
      case U64 -> body.invoke(Names.CONVERSIONS, "toU64", LONG, DOUBLE);
      default -> body.invoke(Names.CONVERSIONS, "to" + to.name(), INT, DOUBLE);
    }
  }

  private void floatToFloat() {
    if (from == to || integral != 0) {
      require(rounding == 0);
      require(from == to);
      sameFloat();
      return;
    }
    boolean widens = to == PtxType.F64 || (to == PtxType.F32 && from != PtxType.F64);
    // A rounding is allowed, and without effect, where bf16 widens.
    require(widens ? rounding == 0 || from == PtxType.BF16 : rounding != 0);
    if (from == PtxType.F32 && to == PtxType.F64) {
      flushTop();
      body.code.f2d();
      saturateTop(DOUBLE);
    } else if (to == PtxType.F32 && widens) {
      String name = from == PtxType.F16 ? "fromHalf" : "fromBfloat";
      body.invoke(Names.CONVERSIONS, name, FLOAT, INT);
      flushTop();
      saturateTop(FLOAT);
    } else {
      sourceToDouble();
      saturateTop(DOUBLE);
      narrow();
    }
  }

  private void sameFloat() {
    switch (from) {
      case F32 -> {
        flushTop();
        if (integral != 0) {
          body.code.f2d();
          roundIntegral();
          body.code.d2f();
        }
        saturateTop(FLOAT);
      }
      case F64 -> {
        if (integral != 0) {
          roundIntegral();
        }
        saturateTop(DOUBLE);
      }
      default -> {
        sourceToDouble();
        if (integral != 0) {
          roundIntegral();
        }
        saturateTop(DOUBLE);
        toHalf('n');
      }
    }
  }

  /** Makes f16 or bf16 of the double on the stack. */
  private void toHalf(char mode) {
    boolean half = to.element() == PtxType.F16;
    body.code.loadConstant((int) mode);
    body.invoke(Names.CONVERSIONS, half ? "toHalf" : "toBfloat", INT, DOUBLE, INT);
    if (modifiers.has("satfinite")) {
      body.invoke(Names.HALVES, half ? "finiteHalf" : "finiteBfloat", INT, INT);
    }
    if (modifiers.has("relu")) {
      body.invoke(Names.HALVES, half ? "reluHalf" : "reluBfloat", INT, INT);
    }
  }

  /** Rounds the double on the stack to the smaller target. */
  private void narrow() {
    switch (to) {
      case F32 -> {
        switch (rounding) {
          case 'n' -> body.code.d2f();
          case 'z' -> body.invoke(Names.DIRECTED, "narrowZero", FLOAT, DOUBLE);
          case 'm' -> body.invoke(Names.DIRECTED, "narrowDown", FLOAT, DOUBLE);
          default -> body.invoke(Names.DIRECTED, "narrowUp", FLOAT, DOUBLE);
        }
        flushTop();
      }
      case F64 -> {
        // Widening to f64 from a half: the double is the result.
      }
      default -> toHalf(rounding);
    }
  }
}
