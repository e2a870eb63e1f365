package io.farwarp.ptx.ir;

import io.farwarp.ptx.PtxException;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A checked instruction.
 *
 * @param mnemonic the name with all modifiers, for messages
 * @param guard the predicate that must hold, or null
 * @param destinations how many of the operands, from the first, are written
 */
public record Instruction(
    int line,
    String mnemonic,
    @Nullable Guard guard,
    Opcode opcode,
    Modifiers modifiers,
    int destinations,
    List<Operand> operands) {

  public record Guard(VirtualRegister predicate, boolean negated) {}

  public Operand operand(int index) {
    return operands.get(index);
  }

  /** A refusal of this instruction. */
  public PtxException refuse(String why) {
    return new PtxException(line, "instruction '" + mnemonic + "' " + why);
  }

  /** Refuses a call that passes variables smaller than its callee's. */
  public void checkPassed(List<Symbol.FrameVariable> passed, Function callee) throws PtxException {
    for (int i = 0; i < passed.size(); i++) {
      if (passed.get(i).sizeBytes() < callee.parameters().get(i)) {
        throw refuse("passes '" + passed.get(i).name() + "', too small");
      }
    }
  }

  /** Visits every register that is written. */
  public void forEachDefined(Consumer<VirtualRegister> action) {
    for (int i = 0; i < destinations; i++) {
      forEachRegister(operands.get(i), action);
    }
  }

  /** Visits every register that is read, the guard included. */
  public void forEachUsed(Consumer<VirtualRegister> action) {
    if (guard != null) {
      action.accept(guard.predicate());
    }
    for (int i = destinations; i < operands.size(); i++) {
      forEachRegister(operands.get(i), action);
    }
  }

  private static void forEachRegister(Operand operand, Consumer<VirtualRegister> action) {
    switch (operand) {
      case Operand.Register r -> action.accept(r.register());
      case Operand.NotPredicate r -> action.accept(r.register());
      case Operand.Memory m when m.base() != null -> action.accept(m.base());
      case Operand.Vector v -> v.elements().forEach(e -> forEachRegister(e, action));
      case Operand.Pair p -> {
        forEachRegister(p.first(), action);
        forEachRegister(p.second(), action);
      }
      default -> {
        // No register in it.
      }
    }
  }
}
