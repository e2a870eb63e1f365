package io.farwarp.ptx.ir;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.syntax.SourceStatement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The names that a pair of braces declares, and those of the braces around it. */
final class NameScope {
  private record Range(PtxType type, int count) {}

  private final @Nullable NameScope outer;
  private final Map<String, Range> ranges = new HashMap<>();
  private final Map<String, VirtualRegister> registers = new HashMap<>();
  private final Map<String, Symbol> symbols = new HashMap<>();
  private final Map<String, ? extends Symbol> shared;

  private NameScope(@Nullable NameScope outer, Map<String, ? extends Symbol> shared) {
    this.outer = outer;
    this.shared = shared;
  }

  /** The outermost scope, which all functions of a module share. */
  static NameScope module(Map<String, ? extends Symbol> variables) {
    return new NameScope(null, variables);
  }

  NameScope inner() {
    return new NameScope(this, Map.of());
  }

  @Nullable NameScope outer() {
    return outer;
  }

  void declare(SourceStatement.Registers declaration, List<VirtualRegister> all)
      throws PtxException {
    PtxType type = PtxType.ofKeyword(declaration.type());
    if (type == null) {
      throw new PtxException(
          declaration.line(), "registers of type '." + declaration.type() + "' are not supported");
    }
    String name = declaration.name();
    if (declaration.count() == SourceStatement.Registers.SINGLE) {
      if (registers.putIfAbsent(name, create(name, type, all)) != null) {
        throw new PtxException(declaration.line(), "register '" + name + "' is declared twice");
      }
    } else if (ranges.putIfAbsent(name, new Range(type, declaration.count())) != null) {
      throw new PtxException(declaration.line(), "registers '" + name + "' are declared twice");
    }
  }

  void declare(int line, Symbol symbol) throws PtxException {
    if (symbols.putIfAbsent(symbol.name(), symbol) != null) {
      throw new PtxException(line, "variable '" + symbol.name() + "' is declared twice");
    }
  }

  /** The register of this name, or null; those of a range are made when first used. */
  @Nullable VirtualRegister register(String name, List<VirtualRegister> all) {
    for (NameScope scope = this; scope != null; scope = scope.outer) {
      VirtualRegister register = scope.own(name, all);
      if (register != null) {
        return register;
      }
    }
    return null;
  }

  private @Nullable VirtualRegister own(String name, List<VirtualRegister> all) {
    VirtualRegister known = registers.get(name);
    if (known != null) {
      return known;
    }
    int digits = name.length();
    while (digits > 0 && Character.isDigit(name.charAt(digits - 1))) {
      digits--;
    }
    // %r12 may belong to %r<20> or, rarely, to %r1<5>.
    for (int cut = Math.max(digits, name.length() - 9); cut < name.length(); cut++) {
      Range range = ranges.get(name.substring(0, cut));
      if (range != null && Integer.parseInt(name.substring(cut)) < range.count()) {
        VirtualRegister register = create(name, range.type(), all);
        registers.put(name, register);
        return register;
      }
    }
    return null;
  }

  private static VirtualRegister create(String name, PtxType type, List<VirtualRegister> all) {
    VirtualRegister register = new VirtualRegister(all.size(), name, type);
    all.add(register);
    return register;
  }

  @Nullable Symbol symbol(String name) {
    for (NameScope scope = this; scope != null; scope = scope.outer) {
      Symbol symbol = scope.symbols.get(name);
      if (symbol == null) {
        symbol = scope.shared.get(name);
      }
      if (symbol != null) {
        return symbol;
      }
    }
    return null;
  }
}
