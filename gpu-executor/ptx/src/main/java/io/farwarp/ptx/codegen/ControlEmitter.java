package io.farwarp.ptx.codegen;

import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.ir.Symbol;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;

/**
 * Branches, calls and returns. Backward branches count down to the next look at the stop signal.
 */
final class ControlEmitter {
  private ControlEmitter() {}

  static void emit(MethodBody body, Instruction instruction) {
    switch (instruction.opcode()) {
      case BRA -> branch(body, instruction);
      case RET -> leave(body, instruction);
      case EXIT -> {
        if (!body.function.entry()) {
          throw MethodBody.refuse(instruction, "is not supported in a device function");
        }
        leave(body, instruction);
      }
      case TRAP -> trap(body, instruction);
      case CALL -> call(body, instruction);
      default -> throw new IllegalArgumentException(instruction.mnemonic());
    }
  }

  private static void branch(MethodBody body, Instruction instruction) {
    BasicBlock target = target(body, instruction);
    Label label = body.label(target);
    boolean backward = target.index() <= body.current().index();
    if (!backward) {
      if (instruction.guard() == null) {
        body.code.goto_(label);
      } else {
        ComparisonEmitter.jumpOnGuard(body, instruction, true, label);
      }
      return;
    }
    Label skip = body.code.newLabel();
    if (instruction.guard() != null) {
      ComparisonEmitter.jumpOnGuard(body, instruction, false, skip);
    }
    Label poll = body.code.newLabel();
    body.code
        .iinc(body.frame.pollSlot(), -1)
        .iload(body.frame.pollSlot())
        .iflt(poll)
        .goto_(label)
        .labelBinding(skip);
    body.later(() ->
        body.code
            .labelBinding(poll)
            .aload(FrameLayout.CONTEXT)
            .invokevirtual(Names.CONTEXT, "poll", MethodTypeDesc.of(ConstantDescs.CD_int))
            .istore(body.frame.pollSlot())
            .goto_(label));
  }

  private static BasicBlock target(MethodBody body, Instruction instruction) {
    BasicBlock target =
        instruction.operand(0) instanceof Operand.Label label
            ? body.function.targets().get(label.name())
            : null;
    if (target == null) {
      throw MethodBody.refuse(instruction, "branches to a label that is not defined");
    }
    return target;
  }

  private static void leave(MethodBody body, Instruction instruction) {
    if (instruction.guard() == null) {
      body.code.goto_(body.exit());
    } else {
      ComparisonEmitter.jumpOnGuard(body, instruction, true, body.exit());
    }
  }

  private static void trap(MethodBody body, Instruction instruction) {
    body.code
        .aload(FrameLayout.CONTEXT)
        .loadConstant(instruction.line())
        .invokevirtual(Names.CONTEXT, "trap", MethodTypeDesc.of(Names.TRAP, ConstantDescs.CD_int))
        .athrow();
  }

  private static void call(MethodBody body, Instruction instruction) {
    if (!(instruction.operand(0) instanceof Operand.Call call)) {
      throw MethodBody.refuse(instruction, "needs a function's name");
    }
    Function callee = body.callees().function(call.function());
    List<Symbol.FrameVariable> passed = new ArrayList<>(call.results());
    passed.addAll(call.arguments());
    for (int i = 0; i < passed.size(); i++) {
      if (passed.get(i).sizeBytes() < callee.parameters().get(i)) {
        throw MethodBody.refuse(instruction, "passes '" + passed.get(i).name() + "', too small");
      }
    }
    if (body.function.entry()) {
      KernelMethod.recordThread(body.code);
    }
    body.code.aload(0).aload(FrameLayout.CONTEXT);
    pushCalleeFrame(body, instruction, callee);
    for (Symbol.FrameVariable variable : passed) {
      body.pushAddress(instruction, variable, 0);
    }
    body.code.invokespecial(
        body.callees().owner(), body.callees().methodName(callee), descriptor(callee));
  }

  private static void pushCalleeFrame(MethodBody body, Instruction instruction, Function callee) {
    body.code.aload(FrameLayout.CONTEXT).loadConstant((long) body.function.frameBytes());
    if (body.frame.frameSlot() >= 0) {
      body.code.lload(body.frame.frameSlot()).ladd();
    }
    body.code
        .loadConstant(callee.frameBytes())
        .loadConstant(instruction.line())
        .invokevirtual(
            Names.CONTEXT,
            "enter",
            MethodTypeDesc.of(
                ConstantDescs.CD_long,
                ConstantDescs.CD_long,
                ConstantDescs.CD_int,
                ConstantDescs.CD_int));
  }

  /** {@code (context, frame, addresses of return values and parameters)}. */
  static MethodTypeDesc descriptor(Function callee) {
    List<ClassDesc> parameters = new ArrayList<>(List.of(Names.CONTEXT, ConstantDescs.CD_long));
    for (int i = 0; i < callee.parameters().size(); i++) {
      parameters.add(ConstantDescs.CD_long);
    }
    return MethodTypeDesc.of(ConstantDescs.CD_void, parameters);
  }
}
