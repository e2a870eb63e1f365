package io.farwarp.ptx.codegen;

import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Opcode;
import java.lang.classfile.Label;

/** Sends each instruction to the family that knows it, behind its guard. */
final class InstructionEmitter {
  private InstructionEmitter() {}

  static void emit(MethodBody body, Instruction instruction) {
    boolean branches = instruction.opcode().endsBlock() && instruction.opcode() != Opcode.TRAP;
    if (instruction.guard() == null || branches) {
      dispatch(body, instruction);
      return;
    }
    Label skip = body.code.newLabel();
    ComparisonEmitter.jumpOnGuard(body, instruction, false, skip);
    dispatch(body, instruction);
    body.code.labelBinding(skip);
  }

  private static void dispatch(MethodBody body, Instruction instruction) {
    switch (instruction.opcode()) {
      case ADD, SUB, MUL, MAD, FMA, DIV, NEG, ABS, MIN, MAX -> {
        if (instruction.modifiers().type().isFloat()) {
          FloatEmitter.emit(body, instruction);
        } else {
          IntegerEmitter.emit(body, instruction);
        }
      }
      case REM, MUL24, MAD24, SAD, DP4A -> IntegerEmitter.emit(body, instruction);
      case ADDC, SUBC, MADC -> CarryEmitter.emit(body, instruction);
      case AND, OR, XOR, NOT, CNOT, SHL, SHR, SHF, BFE, BFI, BFIND, BREV, POPC, CLZ, PRMT, LOP3 ->
          BitEmitter.emit(body, instruction);
      case SETP, SET, SELP, SLCT -> ComparisonEmitter.emit(body, instruction);
      case SQRT, RSQRT, RCP, EX2, LG2, SIN, COS, TANH, COPYSIGN, TESTP ->
          FloatEmitter.emit(body, instruction);
      case CVT -> ConversionEmitter.emit(body, instruction);
      case MOV -> MoveEmitter.emit(body, instruction);
      case CVTA -> MoveEmitter.emitAddress(body, instruction);
      case LD -> MemoryEmitter.load(body, instruction);
      case ST -> MemoryEmitter.store(body, instruction);
      case ATOM, RED -> AtomicEmitter.emit(body, instruction);
      case BRA, RET, EXIT, TRAP, CALL -> ControlEmitter.emit(body, instruction);
      case HINT -> {
        // Nothing to do on a coherent CPU.
      }
    }
  }
}
