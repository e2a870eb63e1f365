package io.farwarp.ptx.codegen;

import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Opcode;
import java.lang.constant.ClassDesc;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;

/** The device functions that a kernel's class needs, collected as calls to them are written. */
final class Callees {
  private final ClassDesc owner;
  private final Map<String, Function> all;
  private final Map<String, String> names = new LinkedHashMap<>();
  private final ArrayDeque<Function> pending = new ArrayDeque<>();

  private final boolean mayExit;

  Callees(ClassDesc owner, Map<String, Function> all) {
    this.owner = owner;
    this.all = all;
    mayExit = all.values().stream().anyMatch(function -> function.uses(Opcode.EXIT));
  }

  /** Whether any function may end its thread. */
  boolean mayExit() {
    return mayExit;
  }

  ClassDesc owner() {
    return owner;
  }

  Function function(String name) {
    Function function = all.get(name);
    if (function == null) {
      throw new IllegalStateException("no function '" + name + "'");
    }
    return function;
  }

  String methodName(Function function) {
    String known = names.get(function.name());
    if (known != null) {
      return known;
    }
    String name = "function" + names.size();
    names.put(function.name(), name);
    pending.add(function);
    return name;
  }

  /** A function that is called and not written yet, or null. */
  @org.jspecify.annotations.Nullable
  Function next() {
    return pending.poll();
  }
}
