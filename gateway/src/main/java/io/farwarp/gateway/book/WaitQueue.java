package io.farwarp.gateway.book;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * The requests that wait, first come first served: one that waits keeps every executor that could
 * hold it from those behind it, and only from those that such executors would serve. So a wait for
 * a GPU delays no one who wants a CPU.
 */
final class WaitQueue {
  private final Map<String, Lease> waiting = new LinkedHashMap<>();
  private final Map<String, Integer> byTenant = new HashMap<>();
  private boolean moved;
  private long placesToldNs;

  void add(Lease lease) {
    waiting.put(lease.id, lease);
    byTenant.merge(lease.tenant, 1, Integer::sum);
    lease.place = waiting.size();
  }

  void remove(Lease lease) {
    if (waiting.remove(lease.id) != null) {
      byTenant.computeIfPresent(lease.tenant, (_, count) -> count == 1 ? null : count - 1);
      moved = true;
    }
  }

  int size() {
    return waiting.size();
  }

  int of(String tenant) {
    return byTenant.getOrDefault(tenant, 0);
  }

  /** Gives {@code grant} each request that fits now, in order, with its slice. */
  void grant(Collection<Executor> executors, BiConsumer<Lease, Slice> grant) {
    Set<String> taken = new HashSet<>();
    long open = executors.stream().filter(Executor::open).count();
    for (Lease lease : List.copyOf(waiting.values())) {
      if (taken.size() >= open) {
        return;
      }
      Slice slice = Placement.best(lease.spec, executors, taken);
      if (slice != null) {
        remove(lease);
        grant.accept(lease, slice);
        continue;
      }
      for (Executor executor : executors) {
        if (executor.open() && executor.couldHold(lease.spec)) {
          taken.add(executor.id);
        }
      }
    }
  }

  /** Those whose place has changed since they were told, no more often than limits say. */
  List<Lease> newPlaces(long nowNs) {
    if (!moved || nowNs - placesToldNs < BookLimits.PLACES_NS) {
      return List.of();
    }
    moved = false;
    placesToldNs = nowNs;
    List<Lease> changed = new ArrayList<>();
    int place = 0;
    for (Lease lease : waiting.values()) {
      place++;
      if (lease.place != place) {
        lease.place = place;
        changed.add(lease);
      }
    }
    return changed;
  }

  /** When {@link #newPlaces} has something to say. */
  long nextNs() {
    return moved && !waiting.isEmpty() ? placesToldNs + BookLimits.PLACES_NS : Lease.NEVER;
  }
}
