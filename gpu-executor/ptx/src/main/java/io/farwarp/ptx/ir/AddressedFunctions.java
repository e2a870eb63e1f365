package io.farwarp.ptx.ir;

import io.farwarp.ptx.syntax.SourceFunction;
import io.farwarp.ptx.syntax.SourceModule;
import io.farwarp.ptx.syntax.SourceOperand;
import io.farwarp.ptx.syntax.SourceStatement;
import io.farwarp.ptx.syntax.SourceVariable;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * The device functions whose address an instruction or an initialiser has. A call by address
 * reaches only those, so that others do not count for the kernel that makes it.
 */
public final class AddressedFunctions {
  private final Set<String> named = new HashSet<>();

  private AddressedFunctions() {}

  /** Those of a module by name, from all its functions by name. */
  public static Map<String, SourceFunction> of(
      SourceModule module, Map<String, SourceFunction> functions) {
    AddressedFunctions addressed = new AddressedFunctions();
    module.variables().forEach(addressed::addInitials);
    for (SourceFunction function : functions.values()) {
      if (function.body() != null) {
        function.body().forEach(addressed::addOperands);
      }
    }
    Map<String, SourceFunction> found = new LinkedHashMap<>(functions);
    found.keySet().retainAll(addressed.named);
    return found;
  }

  private void addInitials(SourceVariable variable) {
    for (SourceVariable.Initial initial : variable.initial()) {
      if (initial instanceof SourceVariable.Initial.Address address) {
        named.add(address.symbol());
      }
    }
  }

  /** What a call names is called, and no address of it is kept. */
  private void addOperands(SourceStatement statement) {
    if (statement instanceof SourceStatement.Instruction instruction
        && !instruction.opcode().equals("call")) {
      instruction.operands().forEach(this::add);
    }
  }

  private void add(SourceOperand operand) {
    switch (operand) {
      case SourceOperand.Name name -> named.add(name.name());
      case SourceOperand.Vector vector -> vector.elements().forEach(this::add);
      case SourceOperand.Group group -> group.elements().forEach(this::add);
      case SourceOperand.Not not -> add(not.operand());
      case SourceOperand.Pair pair -> {
        add(pair.first());
        add(pair.second());
      }
      case SourceOperand.Literal literal -> {}
      case SourceOperand.Memory memory -> {}
      case SourceOperand.Bracketed bracketed -> {}
      case SourceOperand.Discard discard -> {}
    }
  }
}
