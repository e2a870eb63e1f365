package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.ir.Symbol;
import io.farwarp.ptx.ir.VirtualRegister;
import io.farwarp.ptx.runtime.BlockContext;
import io.farwarp.ptx.syntax.SourceOperand.NumberKind;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The JVM method being written for a function: where its values live, and how operands get onto the
 * operand stack and results off it. Between two PTX instructions the operand stack is empty.
 *
 * <p>A register narrower than 32 bits is an {@code int} whose upper bits mean nothing; they are
 * filled by sign or zero whenever such a register is read as a typed operand.
 */
final class MethodBody {
  final CodeBuilder code;
  final Function function;
  final FrameLayout frame;
  final Fusion fusion;
  private final Callees callees;
  private final @Nullable Stops stops;
  private final Label exit;
  private BasicBlock current;
  private final Map<BasicBlock, Label> labels = new HashMap<>();
  private final List<Runnable> outOfLine = new ArrayList<>();

  MethodBody(CodeBuilder code, Analysis analysis, Callees callees) {
    this(code, analysis, FrameLayout.of(analysis), callees, null);
  }

  MethodBody(
      CodeBuilder code,
      Analysis analysis,
      FrameLayout frame,
      Callees callees,
      @Nullable Stops stops) {
    this.code = code;
    this.function = analysis.function();
    this.callees = callees;
    this.fusion = analysis.fusion();
    this.frame = frame;
    this.stops = stops;
    this.exit = code.newLabel();
    this.current = function.blocks().getFirst();
  }

  /** How threads leave a method that holds one region of its kernel. */
  interface Stops {
    /** Leaves for the region that starts at a block outside. */
    Label leave(BasicBlock target);

    /** Where a thread goes that has polled long enough, or null if the branch polls nothing. */
    @Nullable Label letOthersRun(Instruction branch, BasicBlock target);

    /** Whether a block is in this method. */
    boolean holds(BasicBlock block);

    /** Suspends the thread. */
    void suspend(Instruction instruction);
  }

  Callees callees() {
    return callees;
  }

  /** Where a thread, or a device function, ends. */
  Label exit() {
    return exit;
  }

  /** The block being written. */
  BasicBlock current() {
    return current;
  }

  /** Writes an instruction that makes its thread wait, which only a region can hold. */
  void suspend(Instruction instruction) {
    if (stops == null) {
      throw new IllegalStateException("'" + instruction.mnemonic() + "' outside a region");
    }
    stops.suspend(instruction);
  }

  /** Where a backward branch of a loop that polls goes instead, or null. */
  @Nullable Label letOthersRun(Instruction branch, BasicBlock target) {
    return stops == null ? null : stops.letOthersRun(branch, target);
  }

  /** Writes blocks, up to and with the exit label. */
  void emitBlocks(List<BasicBlock> blocks) {
    for (int i = 0; i < blocks.size(); i++) {
      current = blocks.get(i);
      code.labelBinding(label(current));
      for (Instruction instruction : current.instructions()) {
        if (!frame.invariants().isMoved(instruction)) {
          InstructionEmitter.emit(this, instruction);
        }
      }
      fallThrough(i + 1 < blocks.size() ? blocks.get(i + 1) : null);
    }
    code.labelBinding(exit);
  }

  /** Goes on behind the current block, which is followed in the method by {@code following}. */
  private void fallThrough(@Nullable BasicBlock following) {
    Instruction last = current.instructions().isEmpty() ? null : current.instructions().getLast();
    boolean always =
        last != null
            && last.guard() == null
            && (last.opcode().leavesBlock() || last.opcode().suspends());
    if (always) {
      return;
    }
    int index = current.index() + 1;
    BasicBlock next = index < function.blocks().size() ? function.blocks().get(index) : null;
    if (next != following) {
      code.goto_(next == null ? exit : label(next));
    }
  }

  /** Gives the memory locals, the poll counter and the carry flag their values. */
  void emitPrologue() {
    code.loadConstant(BlockContext.POLL_INTERVAL).istore(frame.pollSlot());
    code.iconst_0().istore(frame.carrySlot());
    loadSegment("parameters", frame.parametersSlot());
    loadSegment("local", frame.localSlot());
    loadSegment("shared", frame.sharedSlot());
    code.aload(FrameLayout.CONTEXT)
        .getfield(Names.CONTEXT, "sharedWords", ConstantDescs.CD_int.arrayType())
        .astore(frame.wordsSlot());
    Place.loadTargets(this);
    for (Instruction instruction : frame.prologue()) {
      InstructionEmitter.emit(this, instruction);
    }
  }

  private void loadSegment(String field, int slot) {
    code.aload(FrameLayout.CONTEXT).getfield(Names.CONTEXT, field, Names.SEGMENT).astore(slot);
  }

  /** Registers that may be read before they are written hold zero. */
  void emitUndefined() {
    for (VirtualRegister register : function.registers()) {
      if (function.blocks().getFirst().liveIn().get(register.index())
          && !frame.invariants().permanent().get(register.index())
          && !frame.invariants().folded().get(register.index())) {
        switch (register.kind()) {
          case LONG -> code.lconst_0();
          case FLOAT -> code.fconst_0();
          case DOUBLE -> code.dconst_0();
          default -> code.iconst_0();
        }
        code.storeLocal(register.kind(), frame.slot(register));
      }
    }
  }

  Label label(BasicBlock block) {
    if (stops != null && !stops.holds(block)) {
      return stops.leave(block);
    }
    return labels.computeIfAbsent(block, key -> code.newLabel());
  }

  /** Code that is rarely reached goes behind the rest of the method. */
  void later(Runnable emission) {
    outOfLine.add(emission);
  }

  void emitOutOfLine() {
    for (int i = 0; i < outOfLine.size(); i++) {
      outOfLine.get(i).run();
    }
  }

  static Refusal refuse(Instruction instruction, String why) {
    return new Refusal(instruction.refuse(why));
  }

  /** Puts the value of an operand, read as {@code type}, onto the stack. */
  void push(Instruction instruction, Operand operand, PtxType type) {
    push(instruction, operand, type, false);
  }

  /** As {@link #push(Instruction, Operand, PtxType)}, also from a register wider than the type. */
  void pushNarrowed(Instruction instruction, Operand operand, PtxType type) {
    push(instruction, operand, type, true);
  }

  /** Pushes one half of an operand of a packed type, or the whole one of another type. */
  void pushElement(Instruction instruction, Operand operand, PtxType type, int index) {
    push(instruction, operand, type);
    PtxType element = type.element();
    if (element != type) {
      if (index == 1) {
        code.loadConstant(16).iushr();
      }
      extend(element);
    }
  }

  private void push(Instruction instruction, Operand operand, PtxType type, boolean narrow) {
    switch (operand) {
      case Operand.Register r -> pushRegister(instruction, r.register(), type, narrow);
      case Operand.NotPredicate r -> {
        requireType(instruction, type, PtxType.PRED);
        code.iload(frame.slot(r.register())).iconst_1().ixor();
      }
      case Operand.Immediate immediate -> pushImmediate(instruction, immediate, type);
      case Operand.Special special -> {
        requireInteger(instruction, type);
        SpecialRegisters.push(this, special.register(), type.sizeBytes() == 8);
      }
      case Operand.Address address -> {
        requireInteger(instruction, type);
        pushAddress(instruction, address.symbol(), address.offset());
        if (type.sizeBytes() < 8) {
          code.l2i();
        }
      }
      default -> throw refuse(instruction, "has an operand that is not a value");
    }
  }

  private static void requireType(Instruction instruction, PtxType actual, PtxType wanted) {
    if (actual != wanted) {
      throw refuse(instruction, "has an operand of the wrong type");
    }
  }

  private static void requireInteger(Instruction instruction, PtxType type) {
    if (type == PtxType.PRED || type.isFloat() || type.sizeBytes() < 4) {
      throw refuse(instruction, "has an operand of the wrong type");
    }
  }

  private void pushRegister(
      Instruction instruction, VirtualRegister register, PtxType type, boolean narrow) {
    int have = register.type().sizeBytes();
    int want = type.sizeBytes();
    if (register.isPredicate() != (type == PtxType.PRED)
        || have < want
        || (have > want && !narrow)) {
      throw refuse(
          instruction, "has operand '" + register + "' of type ." + register.type().keyword());
    }
    Long constant = frame.constant(register);
    if (constant != null) {
      pushConstant(constant, have == want ? kind(type) : register.kind());
    } else {
      code.loadLocal(register.kind(), frame.slot(register));
    }
    if (constant != null && have == want) {
      return;
    }
    if (type == PtxType.PRED) {
      return;
    }
    convert(register.kind(), have > want ? bitsKind(have) : MethodBody.kind(type));
    if (have > want) {
      if (have == 8 && want <= 4) {
        code.l2i();
      }
      convert(bitsKind(want), MethodBody.kind(type));
    }
    extend(type);
  }

  private void pushConstant(long bits, TypeKind kind) {
    switch (kind) {
      case FLOAT -> code.loadConstant(Float.intBitsToFloat((int) bits));
      case DOUBLE -> code.loadConstant(Double.longBitsToDouble(bits));
      case LONG -> code.loadConstant(bits);
      default -> code.loadConstant((int) bits);
    }
  }

  private static TypeKind bitsKind(int sizeBytes) {
    return sizeBytes == 8 ? TypeKind.LONG : TypeKind.INT;
  }

  static TypeKind kind(PtxType type) {
    return VirtualRegister.kindOf(type);
  }

  /** Fills the upper bits of an int that holds a type of 8 or 16 bits. */
  void extend(PtxType type) {
    if (type == PtxType.S8) {
      code.i2b();
    } else if (type == PtxType.S16) {
      code.i2s();
    } else if (type.sizeBytes() == 1) {
      code.loadConstant(0xFF).iand();
    } else if (type.sizeBytes() == 2) {
      code.i2c();
    }
  }

  /** Moves the bits on the stack between integer and float kinds of the same size. */
  void convert(TypeKind from, TypeKind to) {
    if (from == to) {
      return;
    }
    switch (to) {
      case INT -> invoke(Names.FLOAT, "floatToRawIntBits", TypeKind.INT, TypeKind.FLOAT);
      case LONG -> invoke(Names.DOUBLE, "doubleToRawLongBits", TypeKind.LONG, TypeKind.DOUBLE);
      case FLOAT -> invoke(Names.FLOAT, "intBitsToFloat", TypeKind.FLOAT, TypeKind.INT);
      case DOUBLE -> invoke(Names.DOUBLE, "longBitsToDouble", TypeKind.DOUBLE, TypeKind.LONG);
      default -> throw new IllegalArgumentException(from + " to " + to);
    }
  }

  private void pushImmediate(Instruction instruction, Operand.Immediate immediate, PtxType type) {
    long bits = immediate.bits();
    boolean integer = immediate.kind() == NumberKind.INTEGER;
    switch (kind(type)) {
      case FLOAT -> code.loadConstant(floatOf(instruction, immediate));
      case DOUBLE ->
          code.loadConstant(
              switch (immediate.kind()) {
                case FLOAT32 -> (double) Float.intBitsToFloat((int) bits);
                case FLOAT64 -> Double.longBitsToDouble(bits);
                case INTEGER -> throw refuse(instruction, "has an integer for a float operand");
              });
      case LONG -> {
        if (immediate.kind() == NumberKind.FLOAT32) {
          throw refuse(instruction, "has a 32-bit float for a 64-bit operand");
        }
        code.loadConstant(bits);
      }
      default -> {
        boolean float32 = immediate.kind() == NumberKind.FLOAT32 && type.sizeBytes() == 4;
        if (!integer && !float32) {
          throw refuse(instruction, "has a float for an integer operand");
        }
        code.loadConstant(narrow((int) bits, type));
      }
    }
  }

  private static float floatOf(Instruction instruction, Operand.Immediate immediate) {
    return switch (immediate.kind()) {
      case FLOAT32 -> Float.intBitsToFloat((int) immediate.bits());
      case FLOAT64 -> (float) Double.longBitsToDouble(immediate.bits());
      case INTEGER -> throw refuse(instruction, "has an integer for a float operand");
    };
  }

  private static int narrow(int value, PtxType type) {
    return switch (type) {
      case PRED -> value == 0 ? 0 : 1;
      case S8 -> (byte) value;
      case S16 -> (short) value;
      default ->
          type.sizeBytes() == 1 ? value & 0xFF : type.sizeBytes() == 2 ? value & 0xFFFF : value;
    };
  }

  /** Pushes the address of a symbol in its own state space, as a long. */
  void pushAddress(Instruction instruction, Symbol symbol, long offset) {
    switch (symbol) {
      case Symbol.ModuleVariable variable -> code.loadConstant(variable.address() + offset);
      case Symbol.DeviceFunction function -> code.loadConstant(function.address() + offset);
      case Symbol.KernelParameter parameter -> code.loadConstant(parameter.offsetBytes() + offset);
      case Symbol.SharedVariable variable ->
          code.loadConstant(callees.sharedLayout().offset(variable) + offset);
      case Symbol.FrameVariable variable -> {
        code.loadConstant(variable.offsetBytes() + offset);
        if (frame.frameSlot() >= 0) {
          code.lload(frame.frameSlot()).ladd();
        }
      }
      case Symbol.FunctionParameter parameter -> {
        code.lload(frame.parameterSlot(parameter.index()));
        if (offset != 0) {
          code.loadConstant(offset).ladd();
        }
      }
    }
  }

  /** The bits of a 32-bit operand that is the same always, or null. */
  @Nullable Integer constant(Operand operand) {
    if (operand instanceof Operand.Immediate i && i.kind() == NumberKind.INTEGER) {
      return (int) i.bits();
    }
    Long bits = operand instanceof Operand.Register r ? frame.constant(r.register()) : null;
    return bits == null ? null : Integer.valueOf(bits.intValue());
  }

  /** Takes a value of {@code type} off the stack into a destination. */
  void store(Instruction instruction, Operand destination, PtxType type) {
    store(instruction, destination, type, false);
  }

  /** As {@link #store(Instruction, Operand, PtxType)}, extending into a wider register. */
  void storeWidened(Instruction instruction, Operand destination, PtxType type) {
    store(instruction, destination, type, true);
  }

  private void store(Instruction instruction, Operand destination, PtxType type, boolean widen) {
    switch (destination) {
      case Operand.Discard discard -> {
        if (kind(type).slotSize() == 2) {
          code.pop2();
        } else {
          code.pop();
        }
      }
      case Operand.Register r -> storeRegister(instruction, r.register(), type, widen);
      default -> throw refuse(instruction, "has a destination that is not a register");
    }
  }

  private void storeRegister(
      Instruction instruction, VirtualRegister register, PtxType type, boolean widen) {
    int have = register.type().sizeBytes();
    int want = type.sizeBytes();
    if (register.isPredicate() != (type == PtxType.PRED)
        || have < want
        || (have > want && !widen)) {
      throw refuse(
          instruction, "has destination '" + register + "' of type ." + register.type().keyword());
    }
    if (type != PtxType.PRED) {
      if (have > want) {
        convert(kind(type), bitsKind(want));
        extend(type);
        if (have == 8) {
          widenToLong(type.isSigned());
        }
        convert(bitsKind(have), register.kind());
      } else {
        convert(kind(type), register.kind());
      }
    }
    code.storeLocal(register.kind(), frame.slot(register));
  }

  void widenToLong(boolean signed) {
    code.i2l();
    if (!signed) {
      code.loadConstant(0xFFFF_FFFFL).land();
    }
  }

  /** Calls a static method; the kinds are the result's and then the parameters'. */
  void invoke(ClassDesc owner, String name, TypeKind result, TypeKind... parameters) {
    ClassDesc[] descriptors = new ClassDesc[parameters.length];
    for (int i = 0; i < parameters.length; i++) {
      descriptors[i] = Names.primitive(parameters[i]);
    }
    code.invokestatic(owner, name, MethodTypeDesc.of(Names.primitive(result), descriptors));
  }

  /** Calls a static predicate, which gives a boolean. */
  void test(ClassDesc owner, String name, TypeKind... parameters) {
    ClassDesc[] descriptors = new ClassDesc[parameters.length];
    for (int i = 0; i < parameters.length; i++) {
      descriptors[i] = Names.primitive(parameters[i]);
    }
    code.invokestatic(owner, name, MethodTypeDesc.of(ConstantDescs.CD_boolean, descriptors));
  }
}
