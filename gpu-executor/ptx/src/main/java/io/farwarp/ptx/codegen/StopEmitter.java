package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Modifiers;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.runtime.Stop;
import io.farwarp.ptx.runtime.Stop.Barrier;
import io.farwarp.ptx.runtime.Stop.Warp;
import io.farwarp.ptx.runtime.WarpOperation;
import java.lang.classfile.TypeKind;
import java.util.BitSet;
import java.util.Locale;

/**
 * Barriers and operations of warps: leaves their operands where the runtime finds them, and takes
 * the results when the thread goes on.
 */
final class StopEmitter {
  private static final int BARRIERS = 16;

  private final MethodBody body;
  private final Instruction instruction;
  private final Modifiers modifiers;
  private int constants;

  private StopEmitter(MethodBody body, Instruction instruction) {
    this.body = body;
    this.instruction = instruction;
    modifiers = instruction.modifiers();
  }

  /** Writes the operands of an instruction out, and describes it. */
  static Stop emit(MethodBody body, StopTable stops, Instruction instruction, int region) {
    StopEmitter emitter = new StopEmitter(body, instruction);
    return instruction.opcode() == Opcode.BARRIER
        ? emitter.barrier(region)
        : emitter.warp(stops, region);
  }

  private Barrier barrier(int region) {
    Barrier.Role role =
        Barrier.Role.valueOf(
            modifiers.oneOf("sync", "arrive", "popc", "and", "or").toUpperCase(Locale.ROOT));
    boolean reduces = instruction.destinations() > 0;
    int operands = instruction.operands().size();
    int id = barrierOperand(instruction.destinations(), "first");
    boolean counts = operands - instruction.destinations() == (reduces ? 3 : 2);
    int count = counts ? barrierOperand(instruction.destinations() + 1, "second") : Barrier.ALL;
    if (id != Barrier.VARIABLE && (id < 0 || id >= BARRIERS)) {
      throw MethodBody.refuse(instruction, "names barrier " + id + "; there are 0 to 15");
    }
    if (counts && count != Barrier.VARIABLE && (count <= 0 || count % 32 != 0)) {
      throw MethodBody.refuse(
          instruction, "waits for " + count + " threads, which is no positive multiple of 32");
    }
    if (reduces) {
      leave(instruction.operand(operands - 1), PtxType.PRED, "third");
    }
    return new Barrier(region, instruction.line(), role, id, count);
  }

  private int barrierOperand(int index, String array) {
    Integer constant = body.constant(instruction.operand(index));
    if (constant == null) {
      leave(instruction.operand(index), PtxType.B32, array);
      return Barrier.VARIABLE;
    }
    // No barrier has a negative number, and none of these is the mark of a variable one.
    return constant == Barrier.VARIABLE ? Integer.MIN_VALUE : constant;
  }

  private Warp warp(StopTable stops, int region) {
    boolean explicit =
        modifiers.has("sync")
            || instruction.opcode() == Opcode.SYNCWARP
            || instruction.opcode() == Opcode.ELECT;
    WarpOperation operation = operation();
    int second = 0;
    int third = 0;
    switch (instruction.opcode()) {
      case SHFL -> {
        leave(instruction.operand(1), PtxType.B32, "first");
        second = constantOrLeft(2, "second", Warp.SECOND);
        third = constantOrLeft(3, "third", Warp.THIRD);
      }
      case VOTE -> leave(instruction.operand(1), PtxType.PRED, "first");
      case MATCH -> {
        PtxType type = modifiers.type();
        leave(instruction.operand(1), type, type == PtxType.B64 ? "wide" : "first");
      }
      case REDUX -> leave(instruction.operand(1), modifiers.type(), "first");
      default -> {
        // No operand but the members.
      }
    }
    int last = instruction.operands().size() - 1;
    int members = explicit ? constantOrLeft(last, "members", Warp.MEMBERS) : 0;
    return new Warp(
        region,
        instruction.line(),
        operation,
        stops.group(instruction.mnemonic()),
        !explicit,
        constants,
        second,
        third,
        members);
  }

  private WarpOperation operation() {
    String name =
        switch (instruction.opcode()) {
          case SYNCWARP -> "SYNC";
          case SHFL -> "SHFL_" + modifiers.oneOf("idx", "up", "down", "bfly");
          case VOTE -> "VOTE_" + modifiers.oneOf("ballot", "all", "any", "uni");
          case MATCH ->
              "MATCH_"
                  + modifiers.oneOf("any", "all")
                  + (modifiers.type() == PtxType.B64 ? "_WIDE" : "");
          case REDUX -> {
            String what = modifiers.oneOf("add", "min", "max", "and", "or", "xor");
            boolean ordered = what.equals("min") || what.equals("max");
            yield "REDUX_" + what + (ordered && !modifiers.type().isSigned() ? "_UNSIGNED" : "");
          }
          case ACTIVEMASK -> "ACTIVEMASK";
          default -> "ELECT";
        };
    return WarpOperation.valueOf(name.toUpperCase(Locale.ROOT));
  }

  private int constantOrLeft(int index, String array, int flag) {
    Integer constant = body.constant(instruction.operand(index));
    if (constant == null) {
      leave(instruction.operand(index), PtxType.B32, array);
      return 0;
    }
    constants |= flag;
    return constant;
  }

  /** Leaves an operand in an array, at the thread's place. */
  private void leave(Operand operand, PtxType type, String array) {
    TypeKind kind = MethodBody.kind(type);
    body.code
        .aload(FrameLayout.THREADS)
        .getfield(Names.THREADS, array, Names.primitive(kind).arrayType())
        .iload(FrameLayout.THREAD);
    body.push(instruction, operand, type);
    body.code.arrayStore(kind);
  }

  /**
   * Takes the results of the instruction that had suspended the thread.
   *
   * @param live registers that are read later; others have no local to take a result
   */
  static void loadResults(
      MethodBody body, Instruction instruction, BitSet live, int results, int flags) {
    Operand destination = instruction.operand(0);
    if (destination instanceof Operand.Pair pair) {
      boolean pairs =
          switch (instruction.opcode()) {
            case SHFL, ELECT -> true;
            case MATCH -> instruction.modifiers().has("all");
            default -> false;
          };
      if (!pairs) {
        throw MethodBody.refuse(instruction, "has one result");
      }
      take(body, instruction, pair.first(), PtxType.B32, live, results);
      take(body, instruction, pair.second(), PtxType.PRED, live, flags);
      return;
    }
    boolean predicate =
        instruction.modifiers().hasType() && instruction.modifiers().type() == PtxType.PRED;
    boolean inFlags = predicate && instruction.opcode() != Opcode.BARRIER;
    take(
        body,
        instruction,
        destination,
        predicate ? PtxType.PRED : PtxType.B32,
        live,
        inFlags ? flags : results);
  }

  private static void take(
      MethodBody body,
      Instruction instruction,
      Operand destination,
      PtxType type,
      BitSet live,
      int array) {
    if (destination instanceof Operand.Register r) {
      if (!live.get(r.register().index())) {
        return;
      }
      body.code.aload(array).iload(FrameLayout.THREAD).iaload();
      body.store(instruction, r, type);
    } else if (!(destination instanceof Operand.Discard)) {
      throw MethodBody.refuse(instruction, "has a destination that is not a register");
    }
  }
}
