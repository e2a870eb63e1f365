package io.farwarp.gateway;

import io.farwarp.gateway.book.Event;
import io.farwarp.gateway.book.Lease;
import io.farwarp.gateway.book.LeaseBook;
import io.farwarp.v1.FunctionVersion;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which packages the leases of the book use, so that the registry keeps them, deleted or not, until
 * the lease has ended and its executor holds nothing of it. On the thread of {@link LeaseControl}
 * only.
 */
final class FunctionUses {
  private final LeaseBook book;
  private final FunctionRegistry registry;

  private record Used(String tenant, List<FunctionVersion> versions) {
    boolean has(FunctionVersion version) {
      return versions.stream().anyMatch(each -> each.getDigest().equals(version.getDigest()));
    }
  }

  private final Map<String, Used> used = new HashMap<>();

  FunctionUses(LeaseBook book, FunctionRegistry registry) {
    this.book = book;
    this.registry = registry;
  }

  /** A lease of the store uses {@code version}. */
  void restore(String tenant, String leaseId, FunctionVersion version) {
    if (registry.useFromDisk(tenant, version)) {
      add(tenant, leaseId, version);
    }
  }

  /**
   * The registry was asked to keep {@code version} for a lease: goes on keeping it if the lease has
   * it now and that was not known; lets it go otherwise.
   */
  void settle(String leaseId, String tenant, FunctionVersion version) {
    Lease lease = book.lease(leaseId);
    Used known = used.get(leaseId);
    if (lease != null
        && lease.tenant().equals(tenant)
        && !over(lease)
        && lease.function(version.getDigest()) != null
        && (known == null || !known.has(version))) {
      add(tenant, leaseId, version);
    } else {
      registry.unuse(tenant, version);
    }
  }

  private void add(String tenant, String leaseId, FunctionVersion version) {
    used.computeIfAbsent(leaseId, _ -> new Used(tenant, new ArrayList<>())).versions.add(version);
  }

  private static boolean over(Lease lease) {
    return lease.ended() && !lease.held();
  }

  /** Lets go what the leases that are over have used. */
  void note(List<Event> events) {
    for (Event event : events) {
      switch (event) {
        case Event.StateChanged e -> letGoIfOver(e.leaseId());
        case Event.SliceFreed e -> letGoIfOver(e.leaseId());
        case Event.Accepted _,
            Event.Refused _,
            Event.Queued _,
            Event.Renewed _,
            Event.FunctionAllotted _,
            Event.FunctionReady _,
            Event.FunctionFailed _,
            Event.TenantChanged _,
            Event.CordonChanged _,
            Event.Welcome _,
            Event.Prepare _,
            Event.PrepareFunction _,
            Event.Extend _,
            Event.End _,
            Event.AgentSilent _ -> {}
      }
    }
  }

  private void letGoIfOver(String leaseId) {
    Lease lease = book.lease(leaseId);
    if (lease != null && !over(lease)) {
      return;
    }
    Used gone = used.remove(leaseId);
    if (gone != null) {
      gone.versions.forEach(version -> registry.unuse(gone.tenant, version));
    }
  }
}
