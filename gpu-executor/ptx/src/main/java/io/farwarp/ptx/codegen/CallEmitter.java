package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.ir.Symbol;
import io.farwarp.ptx.runtime.FunctionAddress;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Calls: of functions, of functions by address, and of the device's own. */
final class CallEmitter {
  private final MethodBody body;
  private final Instruction instruction;

  private CallEmitter(MethodBody body, Instruction instruction) {
    this.body = body;
    this.instruction = instruction;
  }

  static void emit(MethodBody body, Instruction instruction) {
    CallEmitter emitter = new CallEmitter(body, instruction);
    switch (body.frame.form()) {
      case KERNEL -> KernelMethod.recordThread(body.code);
      case REGION -> RegionMethod.recordThread(body.code);
      case FUNCTION -> {
        // The kernel has recorded it.
      }
    }
    switch (instruction.operand(0)) {
      case Operand.Call call ->
          emitter.direct(body.callees().function(call.function()), call.passed());
      case Operand.IndirectCall call -> emitter.indirect(call);
      case Operand.BuiltInCall call -> emitter.builtIn(call);
      default -> throw MethodBody.refuse(instruction, "needs a function");
    }
  }

  private static List<Symbol.FrameVariable> passed(
      List<Symbol.FrameVariable> results, List<Symbol.FrameVariable> arguments) {
    List<Symbol.FrameVariable> passed = new ArrayList<>(results);
    passed.addAll(arguments);
    return passed;
  }

  private void direct(Function callee, List<Symbol.FrameVariable> passed) {
    try {
      instruction.checkPassed(passed, callee);
    } catch (PtxException e) {
      throw new Refusal(e);
    }
    Label start = body.code.newBoundLabel();
    body.code.aload(0).aload(FrameLayout.CONTEXT);
    pushCalleeFrame(callee);
    for (Symbol.FrameVariable variable : passed) {
      body.pushAddress(instruction, variable, 0);
    }
    body.code.invokespecial(
        body.callees().owner(), body.callees().methodName(callee), descriptor(callee));
    if (body.function.entry() && body.callees().mayExit()) {
      endThreadOnExit(start);
    }
  }

  /** {@code exit} in a device function unwinds to the kernel, where the thread ends. */
  private void endThreadOnExit(Label start) {
    Label end = body.code.newBoundLabel();
    Label handler = body.code.newLabel();
    body.code.exceptionCatch(start, end, handler, Names.THREAD_EXIT);
    body.later(() -> body.code.labelBinding(handler).pop().goto_(body.exit()));
  }

  private void pushCalleeFrame(Function callee) {
    body.code.aload(FrameLayout.CONTEXT);
    Operand last = instruction.operands().getLast();
    boolean moves = instruction.operand(0) instanceof Operand.IndirectCall;
    if (instruction.operands().size() > (moves ? 2 : 1)) {
      // The function has taken local memory beyond its frame.
      body.push(instruction, last, PtxType.U64);
    } else {
      pushFrameEnd(body);
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

  private static void pushFrameEnd(MethodBody body) {
    switch (body.frame.form()) {
      case KERNEL -> body.code.loadConstant((long) body.function.frameBytes());
      // Threads make calls in turn, in memory apart from their own frames.
      case REGION -> body.code.lconst_0();
      case FUNCTION ->
          body.code
              .loadConstant((long) body.function.frameBytes())
              .lload(body.frame.frameSlot())
              .ladd();
    }
  }

  /** A switch over the functions that it may be; any other address is a fault. */
  private void indirect(Operand.IndirectCall call) {
    List<Symbol.FrameVariable> passed = passed(call.results(), call.arguments());
    List<Symbol.DeviceFunction> candidates = new ArrayList<>(call.candidates());
    candidates.sort(Comparator.comparingLong(Symbol.DeviceFunction::address));
    Label unknown = body.code.newLabel();
    Label end = body.code.newLabel();
    List<SwitchCase> cases = new ArrayList<>();
    for (Symbol.DeviceFunction candidate : candidates) {
      int number = FunctionAddress.numberOf(candidate.address());
      cases.add(SwitchCase.of(number, body.code.newLabel()));
    }
    body.push(instruction, instruction.operand(1), PtxType.U64);
    body.invoke(Names.FUNCTION_ADDRESS, "numberOf", TypeKind.INT, TypeKind.LONG);
    body.code.lookupswitch(unknown, cases);
    for (int i = 0; i < candidates.size(); i++) {
      body.code.labelBinding(cases.get(i).target());
      direct(body.callees().function(candidates.get(i).name()), passed);
      body.code.goto_(end);
    }
    body.code.labelBinding(end);
    body.later(() -> {
      body.code.labelBinding(unknown).aload(FrameLayout.CONTEXT);
      body.push(instruction, instruction.operand(1), PtxType.U64);
      throwFault("invalidTarget", true);
    });
  }

  private void throwFault(String name, boolean address) {
    List<ClassDesc> parameters = new ArrayList<>();
    if (address) {
      parameters.add(ConstantDescs.CD_long);
    }
    parameters.add(ConstantDescs.CD_int);
    body.code.loadConstant(instruction.line());
    body.code.invokevirtual(Names.CONTEXT, name, MethodTypeDesc.of(Names.TRAP, parameters));
    body.code.athrow();
  }

  /** The context's method gets the addresses of results and arguments in local memory. */
  private void builtIn(Operand.BuiltInCall call) {
    List<ClassDesc> parameters = new ArrayList<>();
    body.code.aload(FrameLayout.CONTEXT);
    for (Symbol.FrameVariable variable : passed(call.results(), call.arguments())) {
      body.pushAddress(instruction, variable, 0);
      parameters.add(ConstantDescs.CD_long);
    }
    body.code.loadConstant(instruction.line());
    parameters.add(ConstantDescs.CD_int);
    String name =
        switch (call.function()) {
          case VPRINTF -> "print";
          case ASSERT_FAIL -> "failAssertion";
          case MALLOC -> "allocateOnHeap";
          case FREE -> "releaseOnHeap";
        };
    body.code.invokevirtual(
        Names.CONTEXT, name, MethodTypeDesc.of(ConstantDescs.CD_void, parameters));
  }

  /** What moves the end of a function's local memory. */
  static void emitStack(MethodBody body, Instruction instruction) {
    if (body.frame.form() == FrameLayout.Form.REGION) {
      throw MethodBody.refuse(
          instruction, "takes local memory in a kernel whose threads wait, which is not supported");
    }
    if (instruction.opcode() == Opcode.STACKBASE) {
      pushFrameEnd(body);
      body.store(instruction, instruction.operand(0), PtxType.U64);
      return;
    }
    if (instruction.opcode() != Opcode.ALLOCA) {
      body.push(instruction, instruction.operand(1), PtxType.U64);
      body.store(instruction, instruction.operand(0), PtxType.U64);
      return;
    }
    long align = 8;
    if (instruction.operands().size() == 5) {
      if (!(instruction.operand(4) instanceof Operand.Immediate immediate)
          || Long.bitCount(immediate.bits()) != 1
          || immediate.bits() < 1
          || immediate.bits() > 128) {
        throw MethodBody.refuse(instruction, "needs an alignment of 1 to 128, a power of two");
      }
      align = immediate.bits();
    }
    body.code.aload(FrameLayout.CONTEXT);
    body.push(instruction, instruction.operand(2), PtxType.U64);
    body.push(instruction, instruction.operand(3), PtxType.U64);
    body.code.loadConstant(align).loadConstant(instruction.line());
    body.code.invokevirtual(
        Names.CONTEXT,
        "allocate",
        MethodTypeDesc.of(
            ConstantDescs.CD_long,
            ConstantDescs.CD_long,
            ConstantDescs.CD_long,
            ConstantDescs.CD_long,
            ConstantDescs.CD_int));
    // The start is on the stack while the new end is made from it and the unchanged size.
    body.code.dup2();
    body.push(instruction, instruction.operand(3), PtxType.U64);
    body.code.ladd();
    body.store(instruction, instruction.operand(1), PtxType.U64);
    body.store(instruction, instruction.operand(0), PtxType.U64);
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
