package io.farwarp.ptx.ir;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A function whose body is put into another's, with what its names become there.
 *
 * @param prefix of its labels
 * @param frameOffset where its frame stands: on its caller's, so that siblings share the same bytes
 * @param passed the caller's variables for its return values and parameters
 * @param registers copies of its own, by index
 * @param end the label that a return goes to, or null in the outermost function
 */
record Activation(
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
