package io.farwarp.ptx.codegen;

import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.ir.Provenance.Origin;
import io.farwarp.ptx.ir.Symbol;
import io.farwarp.ptx.ir.VirtualRegister;
import io.farwarp.ptx.regions.Region;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The JVM locals of a generated method.
 *
 * <ul>
 *   <li>A kernel starts with {@code this, context, tid.x, tid.y, tid.z, ntid.x, ntid.y, ntid.z}.
 *   <li>A region starts with {@code this, context, thread, end, selective}, the states that its
 *       threads have come to, and what it needs of {@link io.farwarp.ptx.runtime.BlockThreads}.
 *   <li>A device function starts with {@code this, context, frame} and the addresses of its return
 *       values and parameters.
 * </ul>
 *
 * All go on with the poll counter, the carry flag, the memory that is used, and the registers.
 */
final class FrameLayout {
  static final int CONTEXT = 1;

  static final int THREAD_X = 2;
  static final int THREAD_Y = 3;
  static final int THREAD_Z = 4;
  static final int THREADS_X = 5;
  static final int THREADS_Y = 6;
  static final int THREADS_Z = 7;

  static final int THREAD = 2;
  static final int END = 3;
  static final int SELECTIVE = 4;
  static final int ANY_STATE = 5;
  static final int ALL_STATES = 6;
  static final int THREADS = 7;
  static final int STATES = 8;
  static final int COORDINATES = 9;
  static final int PATIENCE = 12;
  private static final int REGION_FRAME = 13;

  private static final int FUNCTION_FRAME = 2;

  /** What a method runs: a kernel from start to end, one region of it, or a device function. */
  enum Form {
    KERNEL,
    REGION,
    FUNCTION
  }

  /** The memory that an access tries first: its segment and, unless fixed, its base address. */
  record Target(Origin origin, int segmentSlot, int baseSlot) {}

  private final Analysis analysis;
  private final Form form;
  private final Map<Object, Target> targets = new LinkedHashMap<>();
  private final List<Instruction> prologue;
  private final int pollSlot;
  private final int carrySlot;
  private final int parametersSlot;
  private final int localSlot;
  private final int sharedSlot;
  private final int wordsSlot;
  private final int[] slots;

  private FrameLayout(
      Analysis analysis,
      Form form,
      int firstSlot,
      List<BasicBlock> blocks,
      @Nullable BasicBlock head) {
    this.analysis = analysis;
    this.form = form;
    int next = firstSlot;
    pollSlot = next++;
    carrySlot = next++;
    parametersSlot = next++;
    localSlot = next++;
    sharedSlot = next++;
    wordsSlot = next++;
    prologue = analysis.invariants().before(blocks, form == Form.REGION);
    for (BasicBlock block : blocks) {
      for (Instruction instruction : block.instructions()) {
        next = planAccess(instruction, next);
      }
    }
    slots = SlotAllocator.allocate(analysis, blocks, head, prologue, next);
  }

  static FrameLayout of(Analysis analysis) {
    Function function = analysis.function();
    return function.entry()
        ? new FrameLayout(analysis, Form.KERNEL, THREADS_Z + 1, function.blocks(), null)
        : new FrameLayout(
            analysis,
            Form.FUNCTION,
            FUNCTION_FRAME + 2 * (1 + function.parameters().size()),
            function.blocks(),
            null);
  }

  /**
   * The layout of one region.
   *
   * @param ownSlots how many locals before the poll counter the region's method itself needs
   */
  static FrameLayout of(Analysis analysis, Region region, int ownSlots) {
    return new FrameLayout(
        analysis, Form.REGION, REGION_FRAME + 2 + ownSlots, region.blocks(), region.head());
  }

  /** The first local that {@link #of(Analysis, Region, int)} leaves to the region's method. */
  static int ownSlot() {
    return REGION_FRAME + 2;
  }

  private int planAccess(Instruction instruction, int next) {
    Origin origin = accessed(instruction);
    if (origin == null || targets.containsKey(key(origin))) {
      return next;
    }
    if (origin instanceof Origin.Local || origin instanceof Origin.Shared) {
      int segment = origin instanceof Origin.Local ? localSlot : sharedSlot;
      targets.put(key(origin), new Target(origin, segment, next));
      return next + 2;
    }
    boolean fixed = origin instanceof Origin.Variable;
    targets.put(key(origin), new Target(origin, next, fixed ? -1 : next + 1));
    return next + (fixed ? 1 : 3);
  }

  private @Nullable Origin accessed(Instruction instruction) {
    boolean access = instruction.opcode() == Opcode.LD || instruction.opcode() == Opcode.ST;
    if (!access
        || instruction.modifiers().has("local")
        || isSharedSpace(instruction)
        || isParameterSpace(instruction)) {
      return null;
    }
    int index = instruction.opcode() == Opcode.LD ? 1 : 0;
    return instruction.operand(index) instanceof Operand.Memory memory
        ? analysis.provenance().of(memory)
        : null;
  }

  static boolean isParameterSpace(Instruction instruction) {
    return instruction.modifiers().oneOf("", "param", "param::entry", "param::func").length() > 0;
  }

  static boolean isSharedSpace(Instruction instruction) {
    return instruction.modifiers().oneOf("", "shared", "shared::cta").length() > 0;
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

  Form form() {
    return form;
  }

  int slot(VirtualRegister register) {
    return slots[register.index()];
  }

  @Nullable Long constant(VirtualRegister register) {
    return analysis.invariants().constant(register.index());
  }

  /** Whether an f32 operand is known not to be subnormal. */
  boolean isFlushed(Operand operand) {
    return analysis.flushed().contains(operand);
  }

  Invariants invariants() {
    return analysis.invariants();
  }

  /** The instructions that run once for all threads. */
  List<Instruction> prologue() {
    return prologue;
  }

  /** The slot of the frame's offset in local memory; -1 in a kernel, whose frame starts at 0. */
  int frameSlot() {
    return switch (form) {
      case KERNEL -> -1;
      case REGION -> REGION_FRAME;
      case FUNCTION -> FUNCTION_FRAME;
    };
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

  /** The block's shared memory as a segment. */
  int sharedSlot() {
    return sharedSlot;
  }

  /** The block's shared memory as an array of words. */
  int wordsSlot() {
    return wordsSlot;
  }
}
