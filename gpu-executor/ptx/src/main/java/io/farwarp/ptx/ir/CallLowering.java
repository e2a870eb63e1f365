package io.farwarp.ptx.ir;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.syntax.SourceFunction;
import io.farwarp.ptx.syntax.SourceOperand;
import io.farwarp.ptx.syntax.SourceStatement;
import io.farwarp.ptx.syntax.SourceVariable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Resolves what the calls of a function call: a function, a built-in one, or one by its address.
 */
final class CallLowering {
  private final Map<String, SourceFunction> functions;
  private final Map<String, SourceFunction> addressed;
  private final Map<String, List<String>> tables = new HashMap<>();
  private final Map<String, SourceStatement.Prototype> prototypes = new HashMap<>();

  CallLowering(Map<String, SourceFunction> functions, Map<String, SourceFunction> addressed) {
    this.functions = functions;
    this.addressed = addressed;
  }

  void declare(SourceStatement.Table table) throws PtxException {
    if (tables.putIfAbsent(table.name(), table.names()) != null) {
      throw new PtxException(table.line(), "'" + table.name() + "' is declared twice");
    }
  }

  void declare(SourceStatement.Prototype prototype) throws PtxException {
    if (prototypes.putIfAbsent(prototype.name(), prototype) != null) {
      throw new PtxException(prototype.line(), "'" + prototype.name() + "' is declared twice");
    }
  }

  /** The names that {@code .branchtargets} or {@code .calltargets} lists under a label. */
  List<String> table(int line, SourceOperand operand) throws PtxException {
    List<String> names =
        operand instanceof SourceOperand.Name name && name.offset() == 0
            ? tables.get(name.name())
            : null;
    if (names == null) {
      throw new PtxException(line, "a branch by index needs a list of '.branchtargets' before it");
    }
    return names;
  }

  /** The operands of a call; {@code target} is the register that holds an address, if one does. */
  List<Operand> call(SourceStatement.Instruction source, NameScope scope, Registers registers)
      throws PtxException {
    int line = source.line();
    List<SourceOperand> operands = source.operands();
    int at = 0;
    List<Symbol.FrameVariable> results = List.of();
    if (operands.get(0) instanceof SourceOperand.Group group) {
      results = frameVariables(line, group, scope);
      at++;
    }
    if (at >= operands.size() || !(operands.get(at) instanceof SourceOperand.Name name)) {
      throw new PtxException(line, "a call needs a function");
    }
    at++;
    List<Symbol.FrameVariable> arguments = List.of();
    if (at < operands.size() && operands.get(at) instanceof SourceOperand.Group group) {
      arguments = frameVariables(line, group, scope);
      at++;
    }
    VirtualRegister target = registers.find(name.name());
    if (target != null) {
      if (at + 1 != operands.size()) {
        throw new PtxException(line, "a call by address needs a prototype or '.calltargets'");
      }
      List<Symbol.DeviceFunction> candidates =
          candidates(line, operands.get(at), scope, results.size(), arguments.size());
      return List.of(
          new Operand.IndirectCall(candidates, results, arguments), new Operand.Register(target));
    }
    if (at != operands.size()) {
      throw new PtxException(line, "a call has too many operands");
    }
    return List.of(direct(line, name.name(), results, arguments));
  }

  /** Finds the register of a name, or null. */
  interface Registers {
    @Nullable VirtualRegister find(String name);
  }

  private Operand direct(
      int line,
      String name,
      List<Symbol.FrameVariable> results,
      List<Symbol.FrameVariable> arguments)
      throws PtxException {
    SourceFunction callee = functions.get(name);
    BuiltIn builtIn = BuiltIn.of(name);
    boolean defined = callee != null && callee.body() != null && !callee.entry();
    if (!defined && builtIn != null) {
      builtIn.check(line, results, arguments);
      return new Operand.BuiltInCall(builtIn, results, arguments);
    }
    if (callee == null || !defined) {
      throw new PtxException(
          line,
          "function '" + name + "' is not in this module or not supported by the PTX CPU device");
    }
    if (callee.returns().size() != results.size()
        || callee.parameters().size() != arguments.size()) {
      throw new PtxException(line, "the call of '" + name + "' has a wrong number of parameters");
    }
    return new Operand.Call(name, results, arguments);
  }

  /**
   * The functions that a call by address may reach: of those whose address is taken, the listed
   * ones, or all of the right shape.
   */
  private List<Symbol.DeviceFunction> candidates(
      int line, SourceOperand shape, NameScope scope, int results, int arguments)
      throws PtxException {
    List<Symbol.DeviceFunction> candidates = new ArrayList<>();
    String label = shape instanceof SourceOperand.Name name ? name.name() : "";
    SourceStatement.Prototype prototype = prototypes.get(label);
    List<String> listed = tables.get(label);
    if (prototype == null && listed == null) {
      throw new PtxException(line, "a call by address needs a prototype or '.calltargets'");
    }
    if (prototype != null
        && (prototype.returns().size() != results || prototype.parameters().size() != arguments)) {
      throw new PtxException(line, "the call does not have the parameters of '" + label + "'");
    }
    for (SourceFunction function : addressed.values()) {
      boolean fits =
          prototype != null
              ? matches(prototype.returns(), function.returns())
                  && matches(prototype.parameters(), function.parameters())
              : listed != null
                  && listed.contains(function.name())
                  && function.returns().size() == results
                  && function.parameters().size() == arguments;
      if (fits
          && !function.entry()
          && function.body() != null
          && scope.symbol(function.name()) instanceof Symbol.DeviceFunction symbol) {
        candidates.add(symbol);
      }
    }
    return List.copyOf(candidates);
  }

  private static boolean matches(List<SourceVariable> shape, List<SourceVariable> real) {
    if (shape.size() != real.size()) {
      return false;
    }
    for (int i = 0; i < shape.size(); i++) {
      if (shape.get(i).sizeBytes() != real.get(i).sizeBytes()) {
        return false;
      }
    }
    return true;
  }

  private static List<Symbol.FrameVariable> frameVariables(
      int line, SourceOperand.Group group, NameScope scope) throws PtxException {
    List<Symbol.FrameVariable> variables = new ArrayList<>();
    for (SourceOperand operand : group.elements()) {
      if (operand instanceof SourceOperand.Name name
          && scope.symbol(name.name()) instanceof Symbol.FrameVariable variable
          && variable.parameter()) {
        variables.add(variable);
      } else {
        throw new PtxException(line, "a call takes '.param' variables only");
      }
    }
    return List.copyOf(variables);
  }
}
