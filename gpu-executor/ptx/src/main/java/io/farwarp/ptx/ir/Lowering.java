package io.farwarp.ptx.ir;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxOptions;
import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.syntax.SourceFunction;
import io.farwarp.ptx.syntax.SourceOperand;
import io.farwarp.ptx.syntax.SourceStatement;
import io.farwarp.ptx.syntax.SourceVariable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Turns the statements of a function into checked instructions in basic blocks. */
public final class Lowering {
  static final int FRAME_ALIGN = 16;

  /** With inlined functions; what is longer takes the JVM too long to compile. */
  private static final int MAX_INSTRUCTIONS = 32_768;

  private static final int MAX_BLOCKS = 8_192;

  /** Bounds the memory and time of liveness analysis. */
  private static final long MAX_BLOCKS_TIMES_REGISTERS = 1 << 26;

  private final SourceFunction source;
  private final PtxOptions options;
  private final CallLowering calls;
  private final List<VirtualRegister> registers = new ArrayList<>();
  private final List<BasicBlock> blocks = new ArrayList<>();
  private final Map<String, BasicBlock> targets = new HashMap<>();
  private NameScope scope;
  private @Nullable VirtualRegister stack;
  private long frameBytes;
  private boolean blockEnded;
  private int instructions;

  private Lowering(
      SourceFunction source,
      PtxOptions options,
      Map<String, ? extends Symbol> moduleSymbols,
      Map<String, SourceFunction> functions,
      Map<String, SourceFunction> addressed) {
    this.source = source;
    this.options = options;
    calls = new CallLowering(functions, addressed);
    scope = NameScope.module(moduleSymbols).inner();
  }

  /**
   * The typed form of a function that has a body.
   *
   * @param functions the module's functions by name
   * @param addressed those that a call by address may reach
   */
  public static Function lower(
      SourceFunction source,
      PtxOptions options,
      Map<String, ? extends Symbol> moduleSymbols,
      Map<String, SourceFunction> functions,
      Map<String, SourceFunction> addressed)
      throws PtxException {
    Lowering lowering = new Lowering(source, options, moduleSymbols, functions, addressed);
    return lowering.function();
  }

  private Function function() throws PtxException {
    List<Integer> sizes = declareParameters();
    openBlock();
    List<SourceStatement> body = source.body();
    if (body == null) {
      throw new PtxException(source.line(), "function '" + source.name() + "' has no body");
    }
    if (body.stream().anyMatch(Lowering::usesStack)) {
      openStack();
    }
    for (SourceStatement statement : body) {
      statement(statement);
    }
    if (!blocks.getLast().instructions().isEmpty()
        && blocks.getLast().instructions().getLast().opcode().suspends()) {
      // A thread that waits needs somewhere to go on, if only to leave.
      openBlock();
    }
    checkSize();
    ControlFlow.connect(blocks, targets);
    Function function =
        new Function(
            source.line(),
            source.entry(),
            source.name(),
            sizes,
            registers,
            blocks,
            targets,
            (int) alignUp(frameBytes, FRAME_ALIGN));
    RegisterKinds.choose(function);
    Liveness.compute(function);
    return function;
  }

  private static boolean usesStack(SourceStatement statement) {
    return statement instanceof SourceStatement.Instruction i
        && (i.opcode().equals("alloca") || i.opcode().startsWith("stack"));
  }

  /** Gives the function a register with the end of its frame, which {@code alloca} moves. */
  private void openStack() {
    stack = new VirtualRegister(registers.size(), "stack", PtxType.U64);
    registers.add(stack);
    Operand end = new Operand.Register(stack);
    append(
        new Instruction(
            source.line(),
            "alloca",
            null,
            Opcode.STACKBASE,
            new Modifiers(".u64"),
            1,
            List.of(end)));
  }

  private void checkSize() throws PtxException {
    checkSize(source.line(), source.name(), instructions, blocks.size(), registers.size());
  }

  /** Holds a function against the limits that bound the time and memory of the analyses. */
  static void checkSize(int line, String name, int instructions, int blocks, int registers)
      throws PtxException {
    if (instructions > MAX_INSTRUCTIONS
        || blocks > MAX_BLOCKS
        || (long) blocks * registers > MAX_BLOCKS_TIMES_REGISTERS) {
      throw new PtxException(
          line,
          "function '"
              + name
              + "' is too large for the PTX CPU device: it has "
              + instructions
              + " instructions in "
              + blocks
              + " blocks over "
              + registers
              + " registers");
    }
  }

  private List<Integer> declareParameters() throws PtxException {
    List<Integer> sizes = new ArrayList<>();
    if (source.entry()) {
      ParameterLayout layout = ParameterLayout.of(source);
      for (Symbol.KernelParameter parameter : layout.symbols()) {
        scope.declare(source.line(), parameter);
      }
      return sizes;
    }
    List<SourceVariable> all = new ArrayList<>(source.returns());
    all.addAll(source.parameters());
    for (SourceVariable variable : all) {
      int size = ParameterLayout.checkedSize(variable);
      scope.declare(
          variable.line(), new Symbol.FunctionParameter(variable.name(), sizes.size(), size));
      sizes.add(size);
    }
    return sizes;
  }

  private void statement(SourceStatement statement) throws PtxException {
    switch (statement) {
      case SourceStatement.Registers r -> scope.declare(r, registers);
      case SourceStatement.Variable v -> variable(v.variable());
      case SourceStatement.ScopeOpen open -> scope = scope.inner();
      case SourceStatement.ScopeClose close -> scope = outer(close);
      case SourceStatement.Label label -> label(label);
      case SourceStatement.Table table -> calls.declare(table);
      case SourceStatement.Prototype prototype -> calls.declare(prototype);
      case SourceStatement.Instruction i -> instruction(i);
    }
  }

  private NameScope outer(SourceStatement.ScopeClose close) throws PtxException {
    NameScope outer = scope.outer();
    if (outer == null) {
      throw new PtxException(close.line(), "'}' closes nothing");
    }
    return outer;
  }

  private void variable(SourceVariable variable) throws PtxException {
    if (variable.space().equals("shared")) {
      scope.declare(variable.line(), SharedLayout.symbol(variable));
      return;
    }
    boolean parameter = variable.space().equals("param");
    if (!parameter && !variable.space().equals("local")) {
      throw new PtxException(
          variable.line(),
          "state space '."
              + variable.space()
              + "' in a function is not supported by the PTX CPU"
              + " device");
    }
    if (!variable.initial().isEmpty() || variable.elements() == 0) {
      throw new PtxException(
          variable.line(), "variable '" + variable.name() + "' needs a size and no initialiser");
    }
    long offset = alignUp(frameBytes, variable.alignBytes());
    frameBytes = offset + variable.sizeBytes();
    if (frameBytes > options.maxLocalBytesPerThread()) {
      throw new PtxException(
          variable.line(),
          "function '"
              + source.name()
              + "' needs more local memory than the limit of "
              + options.maxLocalBytesPerThread()
              + " bytes a thread");
    }
    scope.declare(
        variable.line(),
        new Symbol.FrameVariable(
            variable.name(), (int) offset, (int) variable.sizeBytes(), parameter));
  }

  private void label(SourceStatement.Label label) throws PtxException {
    if (!blocks.getLast().instructions().isEmpty() || blockEnded) {
      openBlock();
    }
    if (targets.putIfAbsent(label.name(), blocks.getLast()) != null) {
      throw new PtxException(label.line(), "label '" + label.name() + "' is defined twice");
    }
  }

  private void openBlock() {
    blocks.add(new BasicBlock(blocks.size()));
    blockEnded = false;
  }

  private void instruction(SourceStatement.Instruction source) throws PtxException {
    InstructionSet.Form form = InstructionSet.form(source.opcode(), source.suffix());
    if (form == null) {
      throw new PtxException(
          source.line(),
          "instruction '" + source.mnemonic() + "' is not supported by the PTX CPU device");
    }
    int count = source.operands().size();
    if (count < form.least() || count > form.most()) {
      throw new PtxException(
          source.line(), "instruction '" + source.mnemonic() + "' has " + count + " operands");
    }
    Instruction.Guard guard = null;
    if (source.guard() != null) {
      guard =
          new Instruction.Guard(
              predicate(source.line(), source.guard().predicate()), source.guard().negated());
    }
    List<Operand> operands = operands(source, form.opcode());
    append(
        new Instruction(
            source.line(),
            source.mnemonic(),
            guard,
            form.opcode(),
            new Modifiers(suffix(source.suffix(), operands)),
            form.destinations(),
            operands));
  }

  /** A device function's parameters are in local memory, which their addresses are of. */
  private String suffix(String suffix, List<Operand> operands) {
    boolean byAddress =
        operands.stream()
            .anyMatch(operand -> operand instanceof Operand.Memory m && m.base() != null);
    return source.entry() || !byAddress
        ? suffix
        : suffix.replaceFirst("\\.param(::func)?(?=\\.)", ".local");
  }

  private void append(Instruction instruction) {
    if (blockEnded) {
      openBlock();
    }
    blocks.getLast().instructions().add(instruction);
    instructions++;
    blockEnded = instruction.opcode().leavesBlock() || instruction.opcode().suspends();
  }

  private VirtualRegister predicate(int line, String name) throws PtxException {
    VirtualRegister register = scope.register(name, registers);
    if (register == null || !register.isPredicate()) {
      throw new PtxException(line, "'" + name + "' is not a predicate");
    }
    return register;
  }

  private List<Operand> operands(SourceStatement.Instruction source, Opcode opcode)
      throws PtxException {
    if (opcode == Opcode.CALL) {
      List<Operand> call =
          new ArrayList<>(calls.call(source, scope, name -> scope.register(name, registers)));
      if (stack != null) {
        call.add(new Operand.Register(stack));
      }
      return List.copyOf(call);
    }
    if (opcode == Opcode.BRX) {
      return List.of(
          operand(source.line(), source.operands().get(0)),
          new Operand.Targets(calls.table(source.line(), source.operands().get(1))));
    }
    if (opcode == Opcode.BRA) {
      if (source.operands().get(0) instanceof SourceOperand.Name name && name.offset() == 0) {
        return List.of(new Operand.Label(name.name()));
      }
      throw new PtxException(source.line(), "a branch needs a label");
    }
    List<Operand> operands = new ArrayList<>();
    for (SourceOperand operand : source.operands()) {
      operands.add(operand(source.line(), operand));
    }
    if (stack != null) {
      addStack(opcode, operands);
    }
    return List.copyOf(operands);
  }

  /** The stack's register is written by what moves it and read by what asks for it. */
  private void addStack(Opcode opcode, List<Operand> operands) {
    Operand end = new Operand.Register(Objects.requireNonNull(stack));
    switch (opcode) {
      case ALLOCA -> {
        operands.add(1, end);
        operands.add(2, end);
      }
      case STACKRESTORE -> operands.add(0, end);
      case STACKSAVE -> operands.add(end);
      default -> {
        // Only those use it.
      }
    }
  }

  private Operand operand(int line, SourceOperand operand) throws PtxException {
    return switch (operand) {
      case SourceOperand.Name name -> name(line, name);
      case SourceOperand.Literal number -> new Operand.Immediate(number.kind(), number.bits());
      case SourceOperand.Memory memory -> memory(line, memory);
      case SourceOperand.Discard discard -> new Operand.Discard();
      case SourceOperand.Pair pair ->
          new Operand.Pair(operand(line, pair.first()), operand(line, pair.second()));
      case SourceOperand.Not not when not.operand() instanceof SourceOperand.Name name ->
          new Operand.NotPredicate(predicate(line, name.name()));
      case SourceOperand.Not not -> throw new PtxException(line, "'!' needs a predicate");
      case SourceOperand.Bracketed bracketed ->
          throw new PtxException(line, "an address is a register or a name plus an offset");
      case SourceOperand.Group group -> throw new PtxException(line, "'(' is only for calls");
      case SourceOperand.Vector vector -> {
        List<Operand> elements = new ArrayList<>();
        for (SourceOperand element : vector.elements()) {
          elements.add(operand(line, element));
        }
        yield new Operand.Vector(List.copyOf(elements));
      }
    };
  }

  private Operand name(int line, SourceOperand.Name name) throws PtxException {
    VirtualRegister register = scope.register(name.name(), registers);
    if (register != null && name.offset() == 0) {
      return new Operand.Register(register);
    }
    SpecialRegister special = SpecialRegister.of(name.name());
    if (special != null) {
      return new Operand.Special(special);
    }
    if (name.name().equals("WARP_SZ")) {
      return new Operand.Immediate(SourceOperand.NumberKind.INTEGER, 32);
    }
    Symbol symbol = scope.symbol(name.name());
    if (symbol != null) {
      return new Operand.Address(symbol, name.offset());
    }
    throw unknown(line, name.name());
  }

  private Operand memory(int line, SourceOperand.Memory memory) throws PtxException {
    String base = memory.base();
    if (base == null) {
      return new Operand.Memory(null, null, memory.offset());
    }
    VirtualRegister register = scope.register(base, registers);
    if (register != null) {
      if (register.isPredicate() || register.type().sizeBytes() < 4) {
        throw new PtxException(line, "register '" + base + "' cannot hold an address");
      }
      return new Operand.Memory(register, null, memory.offset());
    }
    Symbol symbol = scope.symbol(base);
    if (symbol == null) {
      throw unknown(line, base);
    }
    if (symbol instanceof Symbol.DeviceFunction) {
      throw new PtxException(line, "'" + base + "' is a function, not memory");
    }
    return new Operand.Memory(null, symbol, memory.offset());
  }

  private static PtxException unknown(int line, String name) {
    String what = name.startsWith("%") ? "register" : "name";
    return new PtxException(
        line, what + " '" + name + "' is not declared, or not supported by the PTX CPU device");
  }

  static long alignUp(long value, long align) {
    return (value + align - 1) & -align;
  }
}
