package io.farwarp.ptx.regions;

import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Which functions of a module can make a thread wait for another one, in themselves or in what they
 * call.
 */
public final class Waiting {
  private final Map<String, Function> functions;
  private final Set<String> waiting = new HashSet<>();
  private final Set<String> polling = new HashSet<>();

  private Waiting(Map<String, Function> functions) {
    this.functions = functions;
  }

  public static Waiting in(Map<String, Function> functions) {
    Waiting result = new Waiting(functions);
    result.spread(result.polling, PollingLoops::hasPollingLoad);
    result.spread(result.waiting, result::waitsItself);
    return result;
  }

  private interface Property {
    boolean holds(Function function);
  }

  /** The functions that have a property, and those that call one of them. */
  private void spread(Set<String> into, Property property) {
    Map<String, Set<String>> callers = new HashMap<>();
    for (Function function : functions.values()) {
      function
          .callees()
          .forEach(callee ->
              callers.computeIfAbsent(callee, key -> new HashSet<>()).add(function.name()));
      if (property.holds(function)) {
        into.add(function.name());
      }
    }
    Set<String> found = Set.copyOf(into);
    while (!found.isEmpty()) {
      Set<String> next = new HashSet<>();
      for (String name : found) {
        for (String caller : callers.getOrDefault(name, Set.of())) {
          if (into.add(caller)) {
            next.add(caller);
          }
        }
      }
      found = next;
    }
  }

  private boolean waitsItself(Function function) {
    for (BasicBlock block : function.blocks()) {
      for (Instruction instruction : block.instructions()) {
        if (instruction.opcode().suspends()) {
          return true;
        }
      }
    }
    return !PollingLoops.of(function, this).isEmpty();
  }

  /** Names of the functions that cannot be plain calls. */
  public Set<String> functions() {
    return waiting;
  }

  /** Whether the threads of a kernel cannot each run to its end alone. */
  public boolean waits(Function kernel) {
    for (BasicBlock block : kernel.blocks()) {
      for (Instruction instruction : block.instructions()) {
        if (instruction.opcode().suspends()) {
          return true;
        }
      }
    }
    return kernel.callees().stream().anyMatch(waiting::contains)
        || !PollingLoops.of(kernel, this).isEmpty();
  }

  /** The backward branches of a function, by identity, that close loops which poll. */
  public Set<Instruction> pollingBranches(Function function) {
    return PollingLoops.of(function, this);
  }

  /** Whether a call may look at memory that another thread writes. */
  boolean polls(String function) {
    return polling.contains(function);
  }
}
