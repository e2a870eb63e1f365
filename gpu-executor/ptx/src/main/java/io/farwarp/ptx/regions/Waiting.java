package io.farwarp.ptx.regions;

import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.CallGraph;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Lockstep;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Which functions of a module can make a thread wait for another one, in themselves or in what they
 * call.
 */
public final class Waiting {
  private final Map<String, Function> functions;
  private final CallGraph calls;
  private final Set<String> waiting = new HashSet<>();
  private final Set<String> polling = new HashSet<>();

  private Waiting(Map<String, Function> functions) {
    this.functions = functions;
    calls = CallGraph.of(functions.values());
  }

  public static Waiting in(Map<String, Function> functions) {
    Waiting result = new Waiting(functions);
    result.polling.addAll(result.spread(PollingLoops::hasPollingLoad));
    result.waiting.addAll(result.spread(result::waitsItself));
    return result;
  }

  /** The functions that have a property, and those that call one of them. */
  private Set<String> spread(Predicate<Function> property) {
    Set<String> having = new HashSet<>();
    for (Function function : functions.values()) {
      if (property.test(function)) {
        having.add(function.name());
      }
    }
    return calls.withCallers(having);
  }

  private boolean waitsItself(Function function) {
    for (BasicBlock block : function.blocks()) {
      for (Instruction instruction : block.instructions()) {
        if (instruction.opcode().suspends()) {
          return true;
        }
      }
    }
    return Lockstep.isIn(function) || !PollingLoops.of(function, this).isEmpty();
  }

  public CallGraph calls() {
    return calls;
  }

  /** Names of the functions that cannot be plain calls. */
  public Set<String> functions() {
    return waiting;
  }

  /** Whether the threads of a kernel cannot each run to its end alone. */
  public boolean waits(Function kernel) {
    return waitsItself(kernel) || kernel.callees().stream().anyMatch(waiting::contains);
  }

  /** The backward branches of a function, by identity, that close loops which poll. */
  public Set<Instruction> pollingBranches(Function function) {
    return PollingLoops.of(function, this);
  }

  /** The backward branches of a function, by identity, at which its threads had best take turns. */
  public static Set<Instruction> turningBranches(Function function) {
    return StridedLoops.of(function);
  }

  /** Whether a call may look at memory that another thread writes. */
  boolean polls(String function) {
    return polling.contains(function);
  }
}
