package io.farwarp.gateway.book;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * Leases that have ended and hold nothing, as many as are remembered. What a tenant ends makes the
 * book forget that tenant's oldest; if there are too many of all tenants together, the oldest of
 * the tenant that has the most.
 */
final class EndedLeases {
  private final int most;
  private final int mostPerTenant;
  private final Map<String, Deque<Lease>> byTenant = new HashMap<>();
  private int size;

  EndedLeases(int most, int mostPerTenant) {
    this.most = most;
    this.mostPerTenant = mostPerTenant;
  }

  /** Adds {@code lease}; answers the one that is to be forgotten for it. */
  @Nullable Lease add(Lease lease) {
    Deque<Lease> own = byTenant.computeIfAbsent(lease.tenant, _ -> new ArrayDeque<>());
    own.addLast(lease);
    size++;
    if (own.size() > mostPerTenant) {
      return removeOldest(own);
    }
    return size > most ? removeOldest(longest()) : null;
  }

  private Deque<Lease> longest() {
    return byTenant.values().stream()
        .max(Comparator.comparingInt(Deque::size))
        .orElseThrow(NoSuchElementException::new);
  }

  private Lease removeOldest(Deque<Lease> leases) {
    Lease oldest = leases.removeFirst();
    size--;
    if (leases.isEmpty()) {
      byTenant.remove(oldest.tenant);
    }
    return oldest;
  }
}
