package io.farwarp.ptx.codegen;

import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.SharedLayout;
import java.lang.constant.ClassDesc;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the methods of a kernel's class share: the device functions that it needs, collected as
 * calls to them are written, and the layout of its shared memory.
 */
final class Callees {
  private final ClassDesc owner;
  private final Map<String, Function> all;
  private final Map<String, String> names = new LinkedHashMap<>();
  private final ArrayDeque<Function> pending = new ArrayDeque<>();

  private final boolean mayExit;
  private final SharedLayout sharedLayout;
  private final int callBytes;

  Callees(ClassDesc owner, Map<String, Function> all, SharedLayout sharedLayout, int callBytes) {
    this.owner = owner;
    this.all = all;
    this.sharedLayout = sharedLayout;
    this.callBytes = callBytes;
    mayExit = all.values().stream().anyMatch(function -> function.uses(Opcode.EXIT));
  }

  /** Whether any function may end its thread. */
  boolean mayExit() {
    return mayExit;
  }

  SharedLayout sharedLayout() {
    return sharedLayout;
  }

  /** How much of a worker's local memory calls use, before the frames of stopped threads. */
  int callBytes() {
    return callBytes;
  }

  /** The functions by the names of their methods. */
  Map<String, String> functionsByMethod() {
    Map<String, String> functions = new HashMap<>();
    names.forEach((function, method) -> functions.put(method, function));
    return functions;
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
  @Nullable Function next() {
    return pending.poll();
  }
}
