package io.farwarp.ptx.ir;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which allocation an address most likely points into, from how it was computed. It only chooses
 * the allocation that generated code tries first: a wrong guess is slow, not wrong.
 */
public final class Provenance {

  /** The origin of an address. */
  public sealed interface Origin {
    /** The memory that a kernel parameter points to. */
    record Parameter(Symbol.KernelParameter parameter, boolean certain) implements Origin {}

    /** A variable of the module. */
    record Variable(Symbol.ModuleVariable variable) implements Origin {}

    /** The thread's local memory, by generic address. */
    record Local() implements Origin {}

    /** The block's shared memory, by generic address. */
    record Shared() implements Origin {}

    /** Several of the above. */
    record Mixed() implements Origin {}
  }

  private static final Origin MIXED = new Origin.Mixed();

  private final @Nullable Origin[] origins;

  private Provenance(int registers) {
    origins = new Origin[registers];
  }

  public static Provenance of(Function function) {
    Provenance provenance = new Provenance(function.registers().size());
    boolean changed = true;
    while (changed) {
      changed = false;
      for (BasicBlock block : function.blocks()) {
        for (Instruction instruction : block.instructions()) {
          changed |= provenance.visit(instruction);
        }
      }
    }
    return provenance;
  }

  /** The origin of a memory operand, or null when it is not known. */
  public @Nullable Origin of(Operand.Memory memory) {
    if (memory.symbol() instanceof Symbol.ModuleVariable variable) {
      return new Origin.Variable(variable);
    }
    if (memory.base() == null) {
      return null;
    }
    Origin origin = origins[memory.base().index()];
    return origin instanceof Origin.Mixed ? null : origin;
  }

  private boolean visit(Instruction instruction) {
    if (instruction.destinations() != 1
        || !(instruction.operand(0) instanceof Operand.Register destination)
        || destination.register().type().sizeBytes() != 8) {
      return false;
    }
    Origin origin = result(instruction);
    int index = destination.register().index();
    Origin joined = join(origins[index], origin);
    if (joined == null || joined.equals(origins[index])) {
      return false;
    }
    origins[index] = joined;
    return true;
  }

  private @Nullable Origin result(Instruction instruction) {
    List<Operand> operands = instruction.operands();
    return switch (instruction.opcode()) {
      case LD -> loaded(instruction);
      case MOV, AND, OR -> of(operands.get(1));
      case CVTA -> converted(instruction);
      case ADD, SUB -> sum(of(operands.get(1)), of(operands.get(2)));
      case MAD -> of(operands.get(3));
      case SELP -> join(of(operands.get(1)), of(operands.get(2)));
      default -> null;
    };
  }

  private @Nullable Origin converted(Instruction instruction) {
    Origin origin = of(instruction.operand(1));
    if (instruction.modifiers().has("local")) {
      return instruction.modifiers().has("to") ? null : new Origin.Local();
    }
    if (instruction.modifiers().has("shared") || instruction.modifiers().has("shared::cta")) {
      return instruction.modifiers().has("to") ? null : new Origin.Shared();
    }
    return origin instanceof Origin.Parameter p
        ? new Origin.Parameter(p.parameter(), true)
        : origin;
  }

  private static @Nullable Origin loaded(Instruction load) {
    if (load.modifiers().type().sizeBytes() == 8
        && load.operand(1) instanceof Operand.Memory memory
        && memory.offset() == 0
        && memory.symbol() instanceof Symbol.KernelParameter parameter
        && parameter.sizeBytes() == 8) {
      return new Origin.Parameter(parameter, false);
    }
    return null;
  }

  private @Nullable Origin of(Operand operand) {
    return switch (operand) {
      case Operand.Register r -> origins[r.register().index()];
      case Operand.Address a when a.symbol() instanceof Symbol.ModuleVariable v ->
          new Origin.Variable(v);
      default -> null;
    };
  }

  /** A pointer plus a 64-bit parameter that is only a number keeps the pointer's origin. */
  private static @Nullable Origin sum(@Nullable Origin a, @Nullable Origin b) {
    if (isNumber(a) && b != null && !isNumber(b)) {
      return b;
    }
    if (isNumber(b) && a != null && !isNumber(a)) {
      return a;
    }
    return join(a, b);
  }

  private static boolean isNumber(@Nullable Origin origin) {
    return origin == null || (origin instanceof Origin.Parameter p && !p.certain());
  }

  private static @Nullable Origin join(@Nullable Origin a, @Nullable Origin b) {
    if (a == null || a.equals(b)) {
      return b;
    }
    if (b == null) {
      return a;
    }
    if (a instanceof Origin.Parameter p && b instanceof Origin.Parameter q) {
      if (p.parameter().equals(q.parameter())) {
        return new Origin.Parameter(p.parameter(), true);
      }
    }
    return MIXED;
  }
}
