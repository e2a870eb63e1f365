package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.ir.Symbol;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/**
 * {@code cp.async}: copies from global to shared memory, done at once, which is one of the moments
 * at which they may be done. So there is nothing to wait for.
 */
final class CopyEmitter {
  private final MethodBody body;
  private final Instruction instruction;

  private CopyEmitter(MethodBody body, Instruction instruction) {
    this.body = body;
    this.instruction = instruction;
  }

  static void emit(MethodBody body, Instruction instruction) {
    new CopyEmitter(body, instruction).emit();
  }

  private void emit() {
    int bytes = size();
    body.code.aload(FrameLayout.CONTEXT);
    pushAddress(0, Symbol.SharedVariable.class);
    pushAddress(1, Symbol.ModuleVariable.class);
    body.code.loadConstant(bytes);
    pushTaken(bytes);
    body.code.loadConstant(instruction.line());
    body.code.invokestatic(
        Names.SHARED_OPS,
        "copy",
        MethodTypeDesc.of(
            ConstantDescs.CD_void,
            Names.CONTEXT,
            ConstantDescs.CD_long,
            ConstantDescs.CD_long,
            ConstantDescs.CD_int,
            ConstantDescs.CD_int,
            ConstantDescs.CD_int));
  }

  private int size() {
    Integer size = body.constant(instruction.operand(2));
    boolean small = size != null && (size == 4 || size == 8) && instruction.modifiers().has("ca");
    if (size == null || (size != 16 && !small)) {
      throw MethodBody.refuse(instruction, "copies 16 bytes, or with '.ca' also 4 or 8");
    }
    return size;
  }

  private void pushAddress(int operand, Class<? extends Symbol> space) {
    if (!(instruction.operand(operand) instanceof Operand.Memory memory)) {
      throw MethodBody.refuse(instruction, "needs two addresses in brackets");
    }
    if (memory.symbol() != null && !space.isInstance(memory.symbol())) {
      throw MethodBody.refuse(
          instruction, "accesses '" + memory.symbol().name() + "' out of its space");
    }
    Place.pushAddress(body, instruction, memory, 0);
  }

  /** Pushes how many bytes are read; the rest of what is written is zeros. */
  private void pushTaken(int bytes) {
    boolean hinted = instruction.modifiers().has("L2::cache_hint");
    if (instruction.operands().size() == (hinted ? 4 : 3)) {
      body.code.loadConstant(bytes);
      return;
    }
    Operand taken = instruction.operand(3);
    boolean ignores =
        taken instanceof Operand.NotPredicate
            || (taken instanceof Operand.Register r && r.register().isPredicate());
    if (ignores) {
      body.push(instruction, taken, PtxType.PRED);
      body.code.iconst_1().ixor().loadConstant(bytes).imul();
    } else {
      body.push(instruction, taken, PtxType.U32);
    }
  }
}
