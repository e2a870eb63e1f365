package io.farwarp.ptx.ir;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Which functions of a module call which, also by their addresses. */
public final class CallGraph {
  private final Map<String, Set<String>> callers = new HashMap<>();

  private CallGraph() {}

  public static CallGraph of(Collection<Function> functions) {
    CallGraph graph = new CallGraph();
    for (Function function : functions) {
      for (String callee : function.callees()) {
        graph.callers.computeIfAbsent(callee, key -> new HashSet<>()).add(function.name());
      }
    }
    return graph;
  }

  /** Some functions, and those that call one of them or one that does. */
  public Set<String> withCallers(Set<String> functions) {
    Set<String> all = new HashSet<>(functions);
    Set<String> found = functions;
    while (!found.isEmpty()) {
      Set<String> next = new HashSet<>();
      for (String name : found) {
        for (String caller : callers.getOrDefault(name, Set.of())) {
          if (all.add(caller)) {
            next.add(caller);
          }
        }
      }
      found = next;
    }
    return all;
  }
}
