package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Opcode;
import java.lang.classfile.Label;
import java.lang.constant.ConstantDescs;

/** Sends each instruction to the family that knows it, behind its guard. */
final class InstructionEmitter {
  private InstructionEmitter() {}

  static void emit(MethodBody body, Instruction instruction) {
    boolean branches = instruction.opcode().leavesBlock() && instruction.opcode() != Opcode.TRAP;
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
        PtxType type = instruction.modifiers().type();
        if (type.isHalf()) {
          HalfEmitter.emit(body, instruction);
        } else if (type.element() != type) {
          PackedIntegerEmitter.emit(body, instruction);
        } else if (type.isFloat()) {
          FloatEmitter.emit(body, instruction);
        } else {
          IntegerEmitter.emit(body, instruction);
        }
      }
      case REM, MUL24, MAD24, SAD -> IntegerEmitter.emit(body, instruction);
      case DP4A, DP2A -> PackedIntegerEmitter.emitDotProduct(body, instruction);
      case VIDEO -> PackedIntegerEmitter.emitVideo(body, instruction);
      case ADDC, SUBC, MADC -> CarryEmitter.emit(body, instruction);
      case AND,
          OR,
          XOR,
          NOT,
          CNOT,
          SHL,
          SHR,
          SHF,
          BFE,
          BFI,
          BFIND,
          BREV,
          POPC,
          CLZ,
          PRMT,
          LOP3,
          BMSK,
          SZEXT,
          FNS ->
          BitEmitter.emit(body, instruction);
      case SETP, SET, SELP, SLCT -> ComparisonEmitter.emit(body, instruction);
      case EX2, TANH -> {
        if (instruction.modifiers().type().isHalf()) {
          HalfEmitter.emit(body, instruction);
        } else {
          FloatEmitter.emit(body, instruction);
        }
      }
      case SQRT, RSQRT, RCP, LG2, SIN, COS, COPYSIGN, TESTP -> FloatEmitter.emit(body, instruction);
      case CVT, CVT_PACK -> ConversionEmitter.emit(body, instruction);
      case MOV -> MoveEmitter.emit(body, instruction);
      case CVTA -> MoveEmitter.emitAddress(body, instruction);
      case ISSPACEP -> MoveEmitter.emitIsSpace(body, instruction);
      case LD -> MemoryEmitter.load(body, instruction);
      case ST -> MemoryEmitter.store(body, instruction);
      case ATOM, RED -> AtomicEmitter.emit(body, instruction);
      case COPY -> CopyEmitter.emit(body, instruction);
      case POLICY -> {
        body.code.lconst_0();
        body.store(instruction, instruction.operand(0), PtxType.B64);
      }
      case FENCE -> body.code.invokestatic(Names.VAR_HANDLE, "fullFence", ConstantDescs.MTD_void);
      case ALLOCA, STACKSAVE, STACKRESTORE, STACKBASE -> CallEmitter.emitStack(body, instruction);
      case BRA, BRX, RET, EXIT, TRAP, CALL -> ControlEmitter.emit(body, instruction);
      case BARRIER, SYNCWARP, SHFL, VOTE, MATCH, REDUX, ACTIVEMASK, ELECT ->
          body.suspend(instruction);
      case HINT -> {
        // Nothing to do on a coherent CPU.
      }
    }
  }
}
