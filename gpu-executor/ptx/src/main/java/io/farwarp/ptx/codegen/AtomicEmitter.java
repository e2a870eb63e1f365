package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Modifiers;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.runtime.BlockContext;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;

/**
 * Atomic operations on global memory, and on shared memory, which only its block's worker sees. A
 * vector's elements are each atomic, not the whole.
 */
final class AtomicEmitter {
  private final MethodBody body;
  private final Instruction instruction;
  private final Modifiers modifiers;
  private final PtxType type;

  private AtomicEmitter(MethodBody body, Instruction instruction) {
    this.body = body;
    this.instruction = instruction;
    modifiers = instruction.modifiers();
    type = modifiers.type();
  }

  static void emit(MethodBody body, Instruction instruction) {
    new AtomicEmitter(body, instruction).emit();
  }

  private void emit() {
    int first = instruction.destinations();
    int elements = Integer.parseInt(modifiers.oneOf("v1", "v2", "v4", "v8").substring(1));
    if (elements == 1) {
      int values = operation().equals("cas") ? 2 : 1;
      operate(0, instruction.operands().subList(first + 1, first + 1 + values));
      body.store(instruction, destination(), type);
      return;
    }
    if (elements * type.sizeBytes() > 16) {
      throw MethodBody.refuse(instruction, "accesses more than 16 bytes");
    }
    MemoryEmitter.requireAligned(
        body, instruction, instruction.operand(first), elements * type.sizeBytes());
    List<Operand> values = parts(instruction.operand(first + 1), elements);
    List<Operand> results =
        instruction.opcode() == Opcode.RED ? List.of() : parts(destination(), elements);
    for (int i = 0; i < elements; i++) {
      operate(i, values.subList(i, i + 1));
      if (results.isEmpty()) {
        body.store(instruction, destination(), type);
      }
    }
    // An operand may be among the destinations, which are therefore written last.
    for (int i = results.size() - 1; i >= 0; i--) {
      body.store(instruction, results.get(i), type);
    }
  }

  private Operand destination() {
    return instruction.opcode() == Opcode.RED ? new Operand.Discard() : instruction.operand(0);
  }

  private List<Operand> parts(Operand operand, int elements) {
    if (operand instanceof Operand.Vector vector && vector.elements().size() == elements) {
      return vector.elements();
    }
    throw MethodBody.refuse(instruction, "needs a vector of " + elements + " elements");
  }

  private String operation() {
    return modifiers.oneOf(
        "", "add", "exch", "cas", "min", "max", "and", "or", "xor", "inc", "dec");
  }

  /** Leaves the old value of an element on the stack. */
  private void operate(int element, List<Operand> values) {
    ClassDesc value = Names.primitive(MethodBody.kind(type));
    body.code.aload(FrameLayout.CONTEXT);
    int address = instruction.destinations();
    Place place = MemoryEmitter.atomicPlace(body, instruction, instruction.operand(address));
    place.pushAddress(0);
    boolean narrow = type.isHalf() || type.sizeBytes() < 4;
    if (narrow && place.isShared()) {
      // Those work on generic addresses only.
      body.code.loadConstant(BlockContext.SHARED_BASE).ladd();
    }
    if (element > 0) {
      body.code.loadConstant((long) element * type.sizeBytes()).ladd();
    }
    List<ClassDesc> parameters = new ArrayList<>(List.of(Names.CONTEXT, ConstantDescs.CD_long));
    for (Operand operand : values) {
      body.push(instruction, operand, type);
      parameters.add(value);
    }
    body.code.loadConstant(instruction.line());
    parameters.add(ConstantDescs.CD_int);
    String name = operation();
    if (narrow) {
      name += type.name();
    } else if ((name.equals("min") || name.equals("max")) && !type.isSigned()) {
      name += "Unsigned";
    }
    ClassDesc owner = place.isShared() ? Names.SHARED_OPS : Names.ATOMICS;
    body.code.invokestatic(
        narrow ? Names.NARROW_ATOMICS : owner, name, MethodTypeDesc.of(value, parameters));
  }
}
