package io.farwarp.gateway.book;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.BiConsumer;

/**
 * The requests that wait, in the order of {@link FairShares}: one that waits keeps every executor
 * that could hold it from those behind it, and only from those that such executors would serve. So
 * a wait for a GPU delays no one who wants a CPU.
 */
final class WaitQueue {
  /** What one tenant waits for, next first, and when it was last granted some of that. */
  static final class Waiting {
    final SortedSet<Lease> requests = new TreeSet<>(FairShares.OWN_ORDER);
    long grantedNs = Long.MIN_VALUE;
  }

  private final FairShares shares;
  private final Map<String, Waiting> byTenant = new HashMap<>();
  private int size;
  private long arrivals;
  private boolean moved;
  private long placesToldNs;

  WaitQueue(FairShares shares) {
    this.shares = shares;
  }

  void add(Lease lease) {
    lease.arrival = ++arrivals;
    byTenant.computeIfAbsent(lease.tenant, _ -> new Waiting()).requests.add(lease);
    size++;
    moved = true;
  }

  void remove(Lease lease) {
    Waiting own = byTenant.get(lease.tenant);
    if (own != null && own.requests.remove(lease)) {
      if (own.requests.isEmpty()) {
        byTenant.remove(lease.tenant);
      }
      size--;
      moved = true;
    }
  }

  int size() {
    return size;
  }

  int of(String tenant) {
    Waiting own = byTenant.get(tenant);
    return own == null ? 0 : own.requests.size();
  }

  /** Gives {@code grant} each request that fits now, in order, with its slice. */
  void grant(Collection<Executor> executors, long nowNs, BiConsumer<Lease, Slice> grant) {
    shares.measure(executors);
    Set<String> taken = new HashSet<>();
    long open = executors.stream().filter(Executor::open).count();
    Iterator<Lease> order = shares.order(byTenant, nowNs);
    while (order.hasNext() && taken.size() < open) {
      Lease lease = order.next();
      Slice slice = Placement.best(lease.spec, executors, taken);
      if (slice != null) {
        remove(lease);
        Waiting others = byTenant.get(lease.tenant);
        if (others != null) {
          others.grantedNs = nowNs;
        }
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

  /** Tells {@code lease}, which has just come, its place. */
  void findPlace(Lease lease, long nowNs) {
    Iterator<Lease> order = shares.order(byTenant, nowNs);
    for (int place = 1; order.hasNext(); place++) {
      if (order.next() == lease) {
        lease.place = place;
        return;
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
    Iterator<Lease> order = shares.order(byTenant, nowNs);
    for (int place = 1; order.hasNext(); place++) {
      Lease lease = order.next();
      if (lease.place != place) {
        lease.place = place;
        changed.add(lease);
      }
    }
    return changed;
  }

  /** When {@link #newPlaces} has something to say. */
  long nextNs() {
    return moved && size > 0 ? placesToldNs + BookLimits.PLACES_NS : Lease.NEVER;
  }
}
