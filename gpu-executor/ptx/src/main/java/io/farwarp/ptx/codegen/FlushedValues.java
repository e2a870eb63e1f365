package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.syntax.SourceOperand.NumberKind;
import java.util.BitSet;

/** Registers that never hold a subnormal f32, so that {@code .ftz} need not flush them again. */
final class FlushedValues {
  private final BitSet subnormal = new BitSet();

  private FlushedValues() {}

  static FlushedValues of(Function function) {
    FlushedValues values = new FlushedValues();
    for (BasicBlock block : function.blocks()) {
      for (Instruction instruction : block.instructions()) {
        if (!flushes(instruction)) {
          instruction.forEachDefined(register -> values.subnormal.set(register.index()));
        }
      }
    }
    return values;
  }

  private static boolean flushes(Instruction instruction) {
    if (!instruction.modifiers().hasType()) {
      return false;
    }
    boolean single = instruction.modifiers().type(0) == PtxType.F32;
    return switch (instruction.opcode()) {
      case ADD, SUB, MUL, MAD, FMA, DIV, NEG, ABS, MIN, MAX, SQRT, RSQRT, RCP, EX2, LG2, SIN, COS ->
          single && instruction.modifiers().has("ftz");
      case CVT ->
          single
              && (instruction.modifiers().has("ftz")
                  || (!instruction.modifiers().type().isFloat()
                      && instruction.modifiers().type() != PtxType.BF16));
      case MOV -> isNormal(instruction.operand(1));
      default -> false;
    };
  }

  private static boolean isNormal(Operand operand) {
    if (!(operand instanceof Operand.Immediate immediate)) {
      return false;
    }
    float value =
        immediate.kind() == NumberKind.FLOAT64
            ? (float) Double.longBitsToDouble(immediate.bits())
            : Float.intBitsToFloat((int) immediate.bits());
    return value == 0 || Math.abs(value) >= Float.MIN_NORMAL || Float.isNaN(value);
  }

  boolean contains(Operand operand) {
    return operand instanceof Operand.Register r
        ? !subnormal.get(r.register().index())
        : isNormal(operand);
  }
}
