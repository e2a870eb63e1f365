package io.farwarp.ptx.ir;

import io.farwarp.ptx.syntax.SourceOperand.NumberKind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An operand with its names resolved. */
public sealed interface Operand {

  record Register(VirtualRegister register) implements Operand {}

  /** {@code !p}. */
  record NotPredicate(VirtualRegister register) implements Operand {}

  record Immediate(NumberKind kind, long bits) implements Operand {}

  record Special(SpecialRegister register) implements Operand {}

  /** The address of a symbol. */
  record Address(Symbol symbol, long offset) implements Operand {}

  /** A memory operand: a register or a symbol plus an offset, or an absolute address. */
  record Memory(@Nullable VirtualRegister base, @Nullable Symbol symbol, long offset)
      implements Operand {}

  record Vector(List<Operand> elements) implements Operand {}

  /** The two results of {@code setp}. */
  record Pair(Operand first, Operand second) implements Operand {}

  /** A result that nobody wants. */
  record Discard() implements Operand {}

  /** A branch target. */
  record Label(String name) implements Operand {}

  /** The labels that a branch by index chooses from. */
  record Targets(List<String> names) implements Operand {}

  /** A function of the device's own. */
  record BuiltInCall(
      BuiltIn function, List<Symbol.FrameVariable> results, List<Symbol.FrameVariable> arguments)
      implements Operand {}

  /** A call by address, which stands in the next operand: what it may reach. */
  record IndirectCall(
      List<Symbol.DeviceFunction> candidates,
      List<Symbol.FrameVariable> results,
      List<Symbol.FrameVariable> arguments)
      implements Operand {}

  /** A device function and the frame variables of a call. */
  record Call(
      String function, List<Symbol.FrameVariable> results, List<Symbol.FrameVariable> arguments)
      implements Operand {

    /** What the callee's return values and then its parameters are in the caller's frame. */
    public List<Symbol.FrameVariable> passed() {
      List<Symbol.FrameVariable> passed = new ArrayList<>(results);
      passed.addAll(arguments);
      return passed;
    }
  }
}
