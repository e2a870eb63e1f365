package io.farwarp.ptx.ir;

import io.farwarp.ptx.PtxException;
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
  /** A chosen function's frame stands on its caller's; siblings share the same bytes. */
  private record Activation(
      Function function,
      String prefix,
      int frameOffset,
      List<Symbol.FrameVariable> passed,
      VirtualRegister[] registers,
      @Nullable String end) {

    VirtualRegister register(VirtualRegister original) {
      return registers[original.index()];
    }

    Instruction.@Nullable Guard guard(Instruction instruction) {
      Instruction.Guard guard = instruction.guard();
      return guard == null
          ? null
          : new Instruction.Guard(register(guard.predicate()), guard.negated());
    }

    Symbol.FrameVariable variable(Symbol.FrameVariable variable) {
      return new Symbol.FrameVariable(
          variable.name(),
          variable.offsetBytes() + frameOffset,
          variable.sizeBytes(),
          variable.parameter());
    }

    Symbol symbol(Symbol symbol) {
      return switch (symbol) {
        case Symbol.FrameVariable v -> variable(v);
        case Symbol.FunctionParameter p ->
            new Symbol.FrameVariable(
                p.name(), passed.get(p.index()).offsetBytes(), p.sizeBytes(), true);
        case Symbol.KernelParameter p -> p;
        case Symbol.ModuleVariable v -> v;
        case Symbol.DeviceFunction f -> f;
        case Symbol.SharedVariable v -> v;
      };
    }

    Operand operand(Operand operand) {
      return switch (operand) {
        case Operand.Register r -> new Operand.Register(register(r.register()));
        case Operand.NotPredicate r -> new Operand.NotPredicate(register(r.register()));
        case Operand.Address a -> new Operand.Address(symbol(a.symbol()), a.offset());
        case Operand.Memory m ->
            new Operand.Memory(
                m.base() == null ? null : register(m.base()),
                m.symbol() == null ? null : symbol(m.symbol()),
                m.offset());
        case Operand.Vector v ->
            new Operand.Vector(v.elements().stream().map(this::operand).toList());
        case Operand.Pair p -> new Operand.Pair(operand(p.first()), operand(p.second()));
        case Operand.Label l -> new Operand.Label(prefix + l.name());
        case Operand.Call c ->
            new Operand.Call(
                c.function(),
                c.results().stream().map(this::variable).toList(),
                c.arguments().stream().map(this::variable).toList());
        case Operand.BuiltInCall c ->
            new Operand.BuiltInCall(
                c.function(),
                c.results().stream().map(this::variable).toList(),
                c.arguments().stream().map(this::variable).toList());
        case Operand.IndirectCall c ->
            new Operand.IndirectCall(
                c.candidates(),
                c.results().stream().map(this::variable).toList(),
                c.arguments().stream().map(this::variable).toList());
        case Operand.Targets t ->
            new Operand.Targets(t.names().stream().map(name -> prefix + name).toList());
        case Operand.Immediate i -> i;
        case Operand.Special s -> s;
        case Operand.Discard d -> d;
      };
    }
  }

  private final Function kernel;
  private final Map<String, Function> functions;
  private final Set<String> chosen;
  private final int longestBlock;
  private final int mostFrameBytes;
  private final List<BasicBlock> blocks = new ArrayList<>();
  private final Map<String, BasicBlock> targets = new HashMap<>();
  private final List<VirtualRegister> registers = new ArrayList<>();
  private final Set<String> open = new HashSet<>();
  private int activations;
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
    if (instruction.opcode() == Opcode.CALL
        && instruction.operand(0) instanceof Operand.Call call
        && chosen.contains(call.function())) {
      inline(activation, instruction, call);
      return;
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
    String end = "end/" + activations;
    int above = caller.frameOffset() + caller.function().frameBytes();
    Activation activation = activation(callee, above, passed, end);
    Instruction.Guard guard = caller.guard(instruction);
    if (guard != null) {
      branch(instruction, new Instruction.Guard(guard.predicate(), !guard.negated()), end);
    }
    append(activation);
    openBlock();
    targets.put(end, blocks.getLast());
    open.remove(callee.name());
  }
}
