package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.codegen.FrameLayout.Target;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.ir.Provenance.Origin;
import io.farwarp.ptx.ir.Symbol;
import io.farwarp.ptx.ir.VirtualRegister;
import io.farwarp.ptx.runtime.BlockContext;
import java.lang.classfile.TypeKind;
import java.lang.constant.ConstantDescs;
import org.jspecify.annotations.Nullable;

/**
 * Where a memory operand points: into one segment at an offset, into one segment that is likely the
 * right one, or anywhere.
 */
final class Place {
  private enum Kind {
    /** The launch's parameter block, at an offset known to lie inside. */
    PARAMETER,
    /** Parameter memory through a register. */
    PARAMETER_ADDRESS,
    /** The thread's local memory; addresses are offsets. */
    LOCAL,
    /** The block's shared memory; addresses are offsets. */
    SHARED,
    /** Global, constant or generic memory by native address. */
    GLOBAL
  }

  private final MethodBody body;
  private final Instruction instruction;
  private final Operand.Memory memory;
  private final Kind kind;
  private final @Nullable Target target;

  private Place(
      MethodBody body,
      Instruction instruction,
      Operand.Memory memory,
      Kind kind,
      @Nullable Target target) {
    this.body = body;
    this.instruction = instruction;
    this.memory = memory;
    this.kind = kind;
    this.target = target;
  }

  static Place of(MethodBody body, Instruction instruction, Operand.Memory memory) {
    boolean local = instruction.modifiers().has("local");
    boolean parameter = FrameLayout.isParameterSpace(instruction);
    Kind kind = kind(body, instruction, memory, local, parameter);
    Target target = kind == Kind.GLOBAL ? body.frame.target(instruction) : null;
    return new Place(body, instruction, memory, kind, target);
  }

  private static Kind kind(
      MethodBody body,
      Instruction instruction,
      Operand.Memory memory,
      boolean local,
      boolean parameter) {
    Symbol symbol = memory.symbol();
    if (symbol == null) {
      if (parameter && !body.function.entry()) {
        throw MethodBody.refuse(instruction, "needs a parameter's name in a device function");
      }
      return local
          ? Kind.LOCAL
          : parameter
              ? Kind.PARAMETER_ADDRESS
              : FrameLayout.isSharedSpace(instruction) ? Kind.SHARED : Kind.GLOBAL;
    }
    boolean fits =
        switch (symbol) {
          case Symbol.KernelParameter p -> parameter && fits(instruction, memory, p.sizeBytes());
          case Symbol.FunctionParameter p -> parameter && fits(instruction, memory, p.sizeBytes());
          case Symbol.FrameVariable v ->
              (v.parameter() ? parameter : local) && fits(instruction, memory, v.sizeBytes());
          case Symbol.ModuleVariable v ->
              !parameter && !local && !FrameLayout.isSharedSpace(instruction);
          case Symbol.DeviceFunction f -> false;
          case Symbol.SharedVariable v ->
              FrameLayout.isSharedSpace(instruction)
                  && (v.sizeBytes() == 0 || fits(instruction, memory, v.sizeBytes()));
        };
    if (!fits) {
      throw MethodBody.refuse(
          instruction, "accesses '" + symbol.name() + "' out of its bounds or space");
    }
    return switch (symbol) {
      case Symbol.KernelParameter p -> Kind.PARAMETER;
      case Symbol.FunctionParameter p -> Kind.LOCAL;
      case Symbol.FrameVariable v -> Kind.LOCAL;
      case Symbol.ModuleVariable v -> Kind.GLOBAL;
      case Symbol.DeviceFunction f -> throw new IllegalStateException(f.name());
      case Symbol.SharedVariable v -> Kind.SHARED;
    };
  }

  private static boolean fits(Instruction instruction, Operand.Memory memory, int sizeBytes) {
    int vector = instruction.modifiers().has("v4") ? 4 : instruction.modifiers().has("v2") ? 2 : 1;
    int access = vector * instruction.modifiers().type().sizeBytes();
    return memory.offset() >= 0 && memory.offset() <= sizeBytes - access;
  }

  /** Whether threads of other blocks may see the memory, and an address says where it is. */
  boolean isGlobal() {
    return kind == Kind.GLOBAL;
  }

  boolean isShared() {
    return kind == Kind.SHARED;
  }

  /** Whether the segment is one of shared memory, which knows no alignment to more than 4 bytes. */
  boolean hasWordSegment() {
    return kind == Kind.SHARED || (target != null && target.origin() instanceof Origin.Shared);
  }

  boolean canFail() {
    return kind != Kind.PARAMETER || memory.offset() % 16 != 0;
  }

  boolean hasSegment() {
    return kind != Kind.GLOBAL || target != null;
  }

  int segmentSlot() {
    return switch (kind) {
      case PARAMETER, PARAMETER_ADDRESS -> body.frame.parametersSlot();
      case LOCAL -> body.frame.localSlot();
      case SHARED -> body.frame.sharedSlot();
      case GLOBAL -> target().segmentSlot();
    };
  }

  private Target target() {
    if (target == null) {
      throw new IllegalStateException("no segment is known");
    }
    return target;
  }

  /** Pushes a pointer parameter that is in a local already, if this is a load of one. */
  boolean pushLoadedPointer(TypeKind kind) {
    if (kind == TypeKind.LONG
        && memory.offset() == 0
        && memory.symbol() instanceof Symbol.KernelParameter parameter) {
      Target loaded = body.frame.target(parameter);
      if (loaded != null) {
        body.code.lload(loaded.baseSlot());
        return true;
      }
    }
    return false;
  }

  /** Pushes the address of the operand plus {@code more} bytes, in its own space. */
  void pushAddress(int more) {
    pushAddress(body, instruction, memory, more);
  }

  /** Pushes the address of an operand plus {@code more} bytes, in the operand's own space. */
  static void pushAddress(
      MethodBody body, Instruction instruction, Operand.Memory memory, int more) {
    long offset = memory.offset() + more;
    VirtualRegister base = memory.base();
    if (base != null) {
      boolean isWord = base.type().sizeBytes() == 4;
      body.push(instruction, new Operand.Register(base), isWord ? PtxType.B32 : PtxType.B64);
      if (isWord) {
        body.widenToLong(false);
      }
      if (offset != 0) {
        body.code.loadConstant(offset).ladd();
      }
    } else if (memory.symbol() != null) {
      body.pushAddress(instruction, memory.symbol(), offset);
    } else {
      body.code.loadConstant(offset);
    }
  }

  /** Pushes the offset in {@link #segmentSlot()}. */
  void pushOffset(int more) {
    if (kind != Kind.GLOBAL) {
      pushAddress(more);
      return;
    }
    Origin origin = target().origin();
    if (memory.symbol() instanceof Symbol.ModuleVariable) {
      body.code.loadConstant(memory.offset() + more);
      return;
    }
    pushAddress(more);
    if (origin instanceof Origin.Variable v) {
      body.code.loadConstant(v.variable().address());
    } else {
      body.code.lload(target().baseSlot());
    }
    body.code.lsub();
  }

  /** Loads the segments that accesses try first, before the first thread. */
  static void loadTargets(MethodBody body) {
    for (Target target : body.frame.targets()) {
      switch (target.origin()) {
        case Origin.Parameter p -> {
          pushSegment(body, "pointers", p.parameter().index());
          body.code.astore(target.segmentSlot());
          // The parameter's value is the segment's address, or the segment is empty. Taking the
          // value lets C2 cancel it against the same value in addresses.
          body.code.aload(body.frame.parametersSlot());
          Access.pushLayout(body, TypeKind.LONG, 1);
          body.code.loadConstant((long) p.parameter().offsetBytes());
          Access.get(body, TypeKind.LONG);
          body.code.lstore(target.baseSlot());
        }
        case Origin.Variable v -> {
          pushSegment(body, "variables", v.variable().index());
          body.code.astore(target.segmentSlot());
        }
        case Origin.Local l ->
            body.code
                .aload(FrameLayout.CONTEXT)
                .getfield(Names.CONTEXT, "localBase", ConstantDescs.CD_long)
                .lstore(target.baseSlot());
        case Origin.Shared s ->
            body.code.loadConstant(BlockContext.SHARED_BASE).lstore(target.baseSlot());
        case Origin.Mixed m -> throw new IllegalStateException("a mixed origin has no segment");
      }
    }
  }

  private static void pushSegment(MethodBody body, String field, int index) {
    body.code
        .aload(FrameLayout.CONTEXT)
        .getfield(Names.CONTEXT, field, Names.SEGMENT.arrayType())
        .loadConstant(index)
        .aaload();
  }
}
