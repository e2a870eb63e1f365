package io.farwarp.ptx.codegen;

import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.ir.Provenance;
import io.farwarp.ptx.ir.Provenance.Origin;
import io.farwarp.ptx.ir.Symbol;
import io.farwarp.ptx.ir.VirtualRegister;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The JVM locals of a generated method. A kernel starts with {@code this, context, tid.x, tid.y,
 * tid.z, ntid.x, ntid.y, ntid.z}; a device function with {@code this, context, frame} and the
 * addresses of its return values and parameters. Both go on with the poll counter, the carry flag,
 * the memory that is used, and the registers.
 */
final class FrameLayout {
  static final int CONTEXT = 1;
  static final int THREAD_X = 2;
  static final int THREAD_Y = 3;
  static final int THREAD_Z = 4;
  static final int THREADS_X = 5;
  static final int THREADS_Y = 6;
  static final int THREADS_Z = 7;
  private static final int FUNCTION_FRAME = 2;

  /** The memory that an access tries first: its segment and, unless fixed, its base address. */
  record Target(Origin origin, int segmentSlot, int baseSlot) {}

  private final Function function;
  private final Provenance provenance;
  private final Invariants invariants;
  private final FlushedValues flushed;
  private final Map<Object, Target> targets = new LinkedHashMap<>();
  private final int pollSlot;
  private final int carrySlot;
  private final int parametersSlot;
  private final int localSlot;
  private final int[] slots;

  FrameLayout(Function function, Invariants invariants, Fusion fusion) {
    this.function = function;
    this.invariants = invariants;
    this.flushed = FlushedValues.of(function);
    this.provenance = Provenance.of(function);
    int next =
        function.entry() ? THREADS_Z + 1 : FUNCTION_FRAME + 2 * (1 + function.parameters().size());
    pollSlot = next++;
    carrySlot = next++;
    parametersSlot = next++;
    localSlot = next++;
    for (BasicBlock block : function.blocks()) {
      for (Instruction instruction : block.instructions()) {
        next = planAccess(instruction, next);
      }
    }
    slots = SlotAllocator.allocate(function, next, invariants, fusion);
  }

  private int planAccess(Instruction instruction, int next) {
    Origin origin = accessed(instruction);
    if (origin == null || targets.containsKey(key(origin))) {
      return next;
    }
    if (origin instanceof Origin.Local) {
      targets.put(key(origin), new Target(origin, localSlot, next));
      return next + 2;
    }
    boolean fixed = origin instanceof Origin.Variable;
    targets.put(key(origin), new Target(origin, next, fixed ? -1 : next + 1));
    return next + (fixed ? 1 : 3);
  }

  private @Nullable Origin accessed(Instruction instruction) {
    boolean access = instruction.opcode() == Opcode.LD || instruction.opcode() == Opcode.ST;
    if (!access || instruction.modifiers().has("local") || isParameterSpace(instruction)) {
      return null;
    }
    int index = instruction.opcode() == Opcode.LD ? 1 : 0;
    return instruction.operand(index) instanceof Operand.Memory memory
        ? provenance.of(memory)
        : null;
  }

  static boolean isParameterSpace(Instruction instruction) {
    return instruction.modifiers().oneOf("", "param", "param::entry", "param::func").length() > 0;
  }

  private static Object key(Origin origin) {
    return origin instanceof Origin.Parameter p ? p.parameter() : origin;
  }

  /** Where an access to global or generic memory looks first, or null when nothing is known. */
  @Nullable Target target(Instruction instruction) {
    Origin origin = accessed(instruction);
    return origin == null ? null : targets.get(key(origin));
  }

  /** The memory that a parameter points to, or null when no access goes there by it. */
  @Nullable Target target(Symbol.KernelParameter parameter) {
    return targets.get(parameter);
  }

  Iterable<Target> targets() {
    return targets.values();
  }

  int slot(VirtualRegister register) {
    return slots[register.index()];
  }

  @Nullable Long constant(VirtualRegister register) {
    return invariants.constant(register.index());
  }

  /** Whether an f32 operand is known not to be subnormal. */
  boolean isFlushed(Operand operand) {
    return flushed.contains(operand);
  }

  Invariants invariants() {
    return invariants;
  }

  /** The slot of a device function's frame offset; -1 in a kernel, whose frame starts at 0. */
  int frameSlot() {
    return function.entry() ? -1 : FUNCTION_FRAME;
  }

  /** The slot with the address of a device function's return value or parameter. */
  int parameterSlot(int index) {
    return FUNCTION_FRAME + 2 * (1 + index);
  }

  int pollSlot() {
    return pollSlot;
  }

  int carrySlot() {
    return carrySlot;
  }

  int parametersSlot() {
    return parametersSlot;
  }

  int localSlot() {
    return localSlot;
  }
}
