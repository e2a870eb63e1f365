package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Modifiers;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.Operand;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;

/** Atomic operations on global memory. */
final class AtomicEmitter {
  private AtomicEmitter() {}

  static void emit(MethodBody body, Instruction instruction) {
    Modifiers modifiers = instruction.modifiers();
    PtxType type = modifiers.type();
    ClassDesc value = Names.primitive(MethodBody.kind(type));
    int first = instruction.destinations();
    body.code.aload(FrameLayout.CONTEXT);
    MemoryEmitter.pushGeneric(body, instruction, instruction.operand(first));
    List<ClassDesc> parameters = new ArrayList<>(List.of(Names.CONTEXT, ConstantDescs.CD_long));
    for (int i = first + 1; i < instruction.operands().size(); i++) {
      body.push(instruction, instruction.operand(i), type);
      parameters.add(value);
    }
    body.code.loadConstant(instruction.line());
    parameters.add(ConstantDescs.CD_int);
    String name =
        modifiers.oneOf("", "add", "exch", "cas", "min", "max", "and", "or", "xor", "inc", "dec");
    boolean ordered = name.equals("min") || name.equals("max");
    if (ordered && !type.isSigned()) {
      name += "Unsigned";
    }
    body.code.invokestatic(Names.ATOMICS, name, MethodTypeDesc.of(value, parameters));
    Operand destination =
        instruction.opcode() == Opcode.RED ? new Operand.Discard() : instruction.operand(0);
    body.store(instruction, destination, type);
  }
}
