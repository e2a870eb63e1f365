package io.farwarp.ptx.ir;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.syntax.SourceOperand;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes of a kernel one function in the form that regions are cut from: the bodies of chosen device
 * functions stand in the place of their calls, no block is long, and nothing branches to the first.
 */
public final class Inlining {
  private final Function kernel;
  private final Map<String, Function> functions;
  private final Set<String> chosen;
  private final int longestBlock;
  private final int mostFrameBytes;
  private final List<BasicBlock> blocks = new ArrayList<>();
  private final Map<String, BasicBlock> targets = new HashMap<>();
  private final List<VirtualRegister> registers = new ArrayList<>();
  private final Set<String> open = new HashSet<>();

  /** What the block being written does by its volatile accesses, or null. */
  private @Nullable Opcode lastVolatile;

  private int activations;
  private int ends;
  private int instructions;
  private int frameBytes;

  private Inlining(
      Function kernel,
      Map<String, Function> functions,
      Set<String> chosen,
      int longestBlock,
      int mostFrameBytes) {
    this.kernel = kernel;
    this.functions = functions;
    this.chosen = chosen;
    this.longestBlock = longestBlock;
    this.mostFrameBytes = mostFrameBytes;
  }

  /**
   * The kernel with the functions that {@code chosen} names in place of their calls.
   *
   * @param longestBlock where a block of more instructions is divided
   * @throws PtxException if such a function calls itself, or the result is over a limit
   */
  public static Function expand(
      Function kernel,
      Map<String, Function> functions,
      Set<String> chosen,
      int longestBlock,
      int mostFrameBytes)
      throws PtxException {
    return new Inlining(kernel, functions, chosen, longestBlock, mostFrameBytes).expand();
  }

  private Function expand() throws PtxException {
    openBlock();
    append(activation(kernel, 0, List.of(), null));
    ControlFlow.connect(blocks, targets);
    Function expanded =
        new Function(
            kernel.line(),
            true,
            kernel.name(),
            kernel.parameters(),
            registers,
            blocks,
            targets,
            (int) Lowering.alignUp(frameBytes, Lowering.FRAME_ALIGN));
    Liveness.compute(expanded);
    return expanded;
  }

  private Activation activation(
      Function function, int frameOffset, List<Symbol.FrameVariable> passed, @Nullable String end)
      throws PtxException {
    frameBytes = Math.max(frameBytes, frameOffset + function.frameBytes());
    if (frameBytes > mostFrameBytes) {
      throw new PtxException(
          function.line(),
          "function '"
              + function.name()
              + "' brings the local memory of kernel '"
              + kernel.name()
              + "' over the limit of "
              + mostFrameBytes
              + " bytes a thread");
    }
    VirtualRegister[] copies = new VirtualRegister[function.registers().size()];
    for (VirtualRegister register : function.registers()) {
      VirtualRegister copy =
          new VirtualRegister(registers.size(), register.name(), register.type());
      copy.hold(register.kind());
      copies[register.index()] = copy;
      registers.add(copy);
    }
    return new Activation(function, activations++ + "/", frameOffset, passed, copies, end);
  }

  private void openBlock() {
    blocks.add(new BasicBlock(blocks.size()));
    lastVolatile = null;
  }

  private void append(Activation activation) throws PtxException {
    Function function = activation.function();
    Map<BasicBlock, List<String>> labels = new HashMap<>();
    function
        .targets()
        .forEach(
            (label, block) -> labels.computeIfAbsent(block, key -> new ArrayList<>()).add(label));
    for (BasicBlock block : function.blocks()) {
      openBlock();
      for (String label : labels.getOrDefault(block, List.of())) {
        targets.put(activation.prefix() + label, blocks.getLast());
      }
      for (Instruction instruction : block.instructions()) {
        append(activation, instruction);
      }
    }
  }

  private void append(Activation activation, Instruction instruction) throws PtxException {
    if (instruction.opcode() == Opcode.CALL) {
      Operand called = instruction.operand(0);
      if (called instanceof Operand.Call call && chosen.contains(call.function())) {
        inline(activation, instruction, call);
        return;
      }
      if (called instanceof Operand.IndirectCall call
          && call.candidates().stream().anyMatch(f -> chosen.contains(f.name()))) {
        inlineCandidates(activation, instruction, call);
        return;
      }
    }
    if (instruction.opcode() == Opcode.CVTA
        && instruction.modifiers().has("param")
        && activation.end() != null) {
      throw instruction.refuse("is only supported in kernels");
    }
    boolean carries =
        switch (instruction.opcode()) {
          case ADDC, SUBC, MADC -> true;
          default -> false;
        };
    if (Lockstep.divides(lastVolatile, instruction)) {
      openBlock();
    }
    List<Instruction> current = blocks.getLast().instructions();
    // A comparison stays with the branch that it is for, and what has a carry flag with its source.
    if (current.size() >= longestBlock && !carries && current.getLast().opcode() != Opcode.SETP) {
      openBlock();
    }
    if (instruction.opcode() == Opcode.RET && activation.end() != null) {
      branch(instruction, activation.guard(instruction), activation.end());
      return;
    }
    List<Operand> operands = new ArrayList<>();
    for (Operand operand : instruction.operands()) {
      operands.add(activation.operand(operand));
    }
    add(
        new Instruction(
            instruction.line(),
            instruction.mnemonic(),
            activation.guard(instruction),
            instruction.opcode(),
            instruction.modifiers(),
            instruction.destinations(),
            List.copyOf(operands)));
  }

  private void add(Instruction instruction) throws PtxException {
    blocks.getLast().instructions().add(instruction);
    if (Lockstep.isAccess(instruction)) {
      lastVolatile = instruction.opcode();
    }
    instructions++;
    Lowering.checkSize(kernel.line(), kernel.name(), instructions, blocks.size(), registers.size());
  }

  private void branch(Instruction from, Instruction.@Nullable Guard guard, String label)
      throws PtxException {
    add(
        new Instruction(
            from.line(),
            from.mnemonic(),
            guard,
            Opcode.BRA,
            new Modifiers(""),
            0,
            List.of(new Operand.Label(label))));
    openBlock();
  }

  private String newEnd() {
    return "end/" + ends++;
  }

  /** Binds a label to what comes next. */
  private void bind(String label) {
    openBlock();
    targets.put(label, blocks.getLast());
  }

  /** Goes to a label where a guarded instruction would do nothing. */
  private void skipUnlessGuarded(Activation activation, Instruction instruction, String label)
      throws PtxException {
    Instruction.Guard guard = activation.guard(instruction);
    if (guard != null) {
      branch(instruction, new Instruction.Guard(guard.predicate(), !guard.negated()), label);
    }
  }

  private void inline(Activation caller, Instruction instruction, Operand.Call call)
      throws PtxException {
    Function callee = functions.get(call.function());
    if (callee == null) {
      throw new IllegalStateException("no function '" + call.function() + "'");
    }
    if (!open.add(callee.name())) {
      throw instruction.refuse(
          "is recursion through a function that waits for other threads, leaves the kernel or is"
              + " too large for one JVM method, which the PTX CPU device does not support");
    }
    List<Symbol.FrameVariable> passed = new ArrayList<>();
    for (Symbol.FrameVariable variable : call.passed()) {
      passed.add(caller.variable(variable));
    }
    instruction.checkPassed(passed, callee);
    String end = newEnd();
    int above = caller.frameOffset() + caller.function().frameBytes();
    Activation activation = activation(callee, above, passed, end);
    skipUnlessGuarded(caller, instruction, end);
    append(activation);
    bind(end);
    open.remove(callee.name());
  }

  /**
   * A call by address becomes a choice among the chosen functions that it may reach; what else it
   * may reach it still calls.
   */
  private void inlineCandidates(
      Activation caller, Instruction instruction, Operand.IndirectCall call) throws PtxException {
    String end = newEnd();
    skipUnlessGuarded(caller, instruction, end);
    List<Symbol.DeviceFunction> others = new ArrayList<>();
    for (Symbol.DeviceFunction candidate : call.candidates()) {
      if (!chosen.contains(candidate.name())) {
        others.add(candidate);
        continue;
      }
      String next = newEnd();
      branchUnlessAt(
          candidate.address(), caller.operand(instruction.operand(1)), instruction, next);
      inline(
          caller,
          unguarded(instruction, instruction.operands()),
          new Operand.Call(candidate.name(), call.results(), call.arguments()));
      branch(instruction, null, end);
      bind(next);
    }
    List<Operand> operands = new ArrayList<>(instruction.operands());
    operands.set(0, new Operand.IndirectCall(others, call.results(), call.arguments()));
    operands.replaceAll(caller::operand);
    add(unguarded(instruction, operands));
    bind(end);
  }

  private void branchUnlessAt(long address, Operand target, Instruction call, String label)
      throws PtxException {
    VirtualRegister differs = new VirtualRegister(registers.size(), "differs", PtxType.PRED);
    registers.add(differs);
    add(
        new Instruction(
            call.line(),
            call.mnemonic(),
            null,
            Opcode.SETP,
            new Modifiers(".ne.u64"),
            1,
            List.of(
                new Operand.Register(differs),
                target,
                new Operand.Immediate(SourceOperand.NumberKind.INTEGER, address))));
    branch(call, new Instruction.Guard(differs, false), label);
  }

  private static Instruction unguarded(Instruction instruction, List<Operand> operands) {
    return new Instruction(
        instruction.line(),
        instruction.mnemonic(),
        null,
        instruction.opcode(),
        instruction.modifiers(),
        instruction.destinations(),
        List.copyOf(operands));
  }
}
