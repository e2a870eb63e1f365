package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Operand;
import java.lang.classfile.Label;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;

/** Branches and returns. Backward branches count down to the next look at the stop signal. */
final class ControlEmitter {
  private ControlEmitter() {}

  static void emit(MethodBody body, Instruction instruction) {
    switch (instruction.opcode()) {
      case BRA -> branch(body, instruction);
      case RET -> leave(body, instruction);
      case EXIT -> {
        if (body.function.entry()) {
          leave(body, instruction);
        } else {
          exitThread(body, instruction);
        }
      }
      case TRAP -> trap(body, instruction);
      case CALL -> CallEmitter.emit(body, instruction);
      case BRX -> branchByIndex(body, instruction);
      default -> throw new IllegalArgumentException(instruction.mnemonic());
    }
  }

  private static void branch(MethodBody body, Instruction instruction) {
    if (!(instruction.operand(0) instanceof Operand.Label named)) {
      throw MethodBody.refuse(instruction, "needs a label");
    }
    BasicBlock target = target(body, instruction, named.name());
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
    Label elsewhere = body.letOthersRun(instruction, target);
    if (elsewhere != null) {
      body.code.iinc(FrameLayout.PATIENCE, -1).iload(FrameLayout.PATIENCE).iflt(elsewhere);
    }
    Label poll = body.code.newLabel();
    body.code
        .iinc(body.frame.pollSlot(), -1)
        .iload(body.frame.pollSlot())
        .iflt(poll)
        .goto_(label)
        .labelBinding(skip);
    later(body, poll, label);
  }

  private static BasicBlock target(MethodBody body, Instruction instruction, String name) {
    BasicBlock target = body.function.targets().get(name);
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

  private static void exitThread(MethodBody body, Instruction instruction) {
    Label skip = body.code.newLabel();
    if (instruction.guard() != null) {
      ComparisonEmitter.jumpOnGuard(body, instruction, false, skip);
    }
    body.code
        .aload(FrameLayout.CONTEXT)
        .invokevirtual(Names.CONTEXT, "exitThread", MethodTypeDesc.of(Names.THREAD_EXIT))
        .athrow()
        .labelBinding(skip);
  }

  private static void branchByIndex(MethodBody body, Instruction instruction) {
    if (!(instruction.operand(1) instanceof Operand.Targets targets)) {
      throw MethodBody.refuse(instruction, "needs a list of labels");
    }
    Label skip = body.code.newLabel();
    if (instruction.guard() != null) {
      ComparisonEmitter.jumpOnGuard(body, instruction, false, skip);
    }
    boolean backward = false;
    List<SwitchCase> cases = new ArrayList<>();
    for (int i = 0; i < targets.names().size(); i++) {
      BasicBlock target = target(body, instruction, targets.names().get(i));
      boolean back = target.index() <= body.current().index();
      backward |= back;
      cases.add(SwitchCase.of(i, back ? backward(body, instruction, target) : body.label(target)));
    }
    if (backward) {
      poll(body);
    }
    body.push(instruction, instruction.operand(0), PtxType.U32);
    Label unknown = body.code.newLabel();
    body.code.tableswitch(0, cases.size() - 1, unknown, cases).labelBinding(skip);
    body.later(() ->
        body.code
            .labelBinding(unknown)
            .aload(FrameLayout.CONTEXT)
            .lconst_0()
            .loadConstant(instruction.line())
            .invokevirtual(
                Names.CONTEXT,
                "invalidTarget",
                MethodTypeDesc.of(Names.TRAP, ConstantDescs.CD_long, ConstantDescs.CD_int))
            .athrow());
  }

  /** Where a branch by index goes for a target behind it. */
  private static Label backward(MethodBody body, Instruction instruction, BasicBlock target) {
    Label label = body.label(target);
    Label elsewhere = body.letOthersRun(instruction, target);
    if (elsewhere == null) {
      return label;
    }
    Label counting = body.code.newLabel();
    body.later(() ->
        body.code
            .labelBinding(counting)
            .iinc(FrameLayout.PATIENCE, -1)
            .iload(FrameLayout.PATIENCE)
            .iflt(elsewhere)
            .goto_(label));
    return counting;
  }

  /** Looks at the stop signal when it is time, and goes on. */
  private static void poll(MethodBody body) {
    Label poll = body.code.newLabel();
    Label on = body.code.newLabel();
    body.code
        .iinc(body.frame.pollSlot(), -1)
        .iload(body.frame.pollSlot())
        .iflt(poll)
        .labelBinding(on);
    later(body, poll, on);
  }

  private static void later(MethodBody body, Label poll, Label next) {
    body.later(() ->
        body.code
            .labelBinding(poll)
            .aload(FrameLayout.CONTEXT)
            .invokevirtual(Names.CONTEXT, "poll", MethodTypeDesc.of(ConstantDescs.CD_int))
            .istore(body.frame.pollSlot())
            .goto_(next));
  }

  private static void trap(MethodBody body, Instruction instruction) {
    body.code
        .aload(FrameLayout.CONTEXT)
        .loadConstant(instruction.line())
        .invokevirtual(Names.CONTEXT, "trap", MethodTypeDesc.of(Names.TRAP, ConstantDescs.CD_int))
        .athrow();
  }
}
