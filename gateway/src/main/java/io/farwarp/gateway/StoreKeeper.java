package io.farwarp.gateway;

import io.farwarp.gateway.book.Event;
import io.farwarp.gateway.book.Executor;
import io.farwarp.gateway.book.Lease;
import io.farwarp.gateway.book.LeaseBook;
import io.farwarp.gateway.book.Slice;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.StoredLease;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Which leases the store has to write or drop. On the thread of {@link LeaseControl} only. */
final class StoreKeeper {
  private final LeaseBook book;
  private final LeaseMessages messages;
  private final LeaseStore store;
  private final Set<String> kept = new HashSet<>();
  private final Set<String> changed = new LinkedHashSet<>();

  StoreKeeper(LeaseBook book, LeaseMessages messages, LeaseStore store) {
    this.book = book;
    this.messages = messages;
    this.store = store;
  }

  Collection<StoredLease> load() {
    Collection<StoredLease> leases = store.load();
    leases.forEach(lease -> kept.add(lease.getLeaseId()));
    return leases;
  }

  void note(List<Event> events) {
    for (Event event : events) {
      switch (event) {
        case Event.StateChanged e -> {
          if (e.state() == LeaseState.ACTIVE
              || e.state() == LeaseState.EXPIRING
              || kept.contains(e.leaseId())) {
            changed.add(e.leaseId());
          }
        }
        case Event.Renewed e -> changed.add(e.leaseId());
        case Event.FunctionReady e -> changed.add(e.leaseId());
        // Its executor will know it by that number for as long as the lease lives.
        case Event.PrepareFunction e -> changed.add(e.leaseId());
        case Event.Accepted _,
            Event.Refused _,
            Event.Queued _,
            Event.FunctionAllotted _,
            Event.FunctionFailed _,
            Event.SliceFreed _,
            Event.TenantChanged _,
            Event.CordonChanged _,
            Event.Welcome _,
            Event.Prepare _,
            Event.Extend _,
            Event.End _,
            Event.AgentSilent _ -> {}
      }
    }
  }

  /**
   * Has the store keep what was noted; after a failure all of it is tried again.
   *
   * @param probe write even if there is nothing to keep, to see whether that works
   */
  void keep(boolean probe) throws IOException {
    if (changed.isEmpty() && !probe) {
      return;
    }
    List<StoredLease> put = new ArrayList<>();
    List<String> removed = new ArrayList<>();
    for (String leaseId : changed) {
      Lease lease = book.lease(leaseId);
      Slice slice = lease == null ? null : lease.slice();
      if (lease != null && slice != null && lease.usable()) {
        Executor executor = book.executor(slice.executorId());
        put.add(messages.stored(lease, slice, executor == null ? "" : executor.agent()));
      } else if (kept.contains(leaseId)) {
        removed.add(leaseId);
      }
    }
    if (probe || !put.isEmpty() || !removed.isEmpty()) {
      store.update(put, removed);
    }
    put.forEach(lease -> kept.add(lease.getLeaseId()));
    removed.forEach(kept::remove);
    changed.clear();
  }

  /** Leases that are usable and that the store has never had. */
  List<String> unkeptActive() {
    List<String> active = new ArrayList<>();
    for (String leaseId : changed) {
      Lease lease = book.lease(leaseId);
      if (lease != null && lease.usable() && !kept.contains(leaseId)) {
        active.add(leaseId);
      }
    }
    return active;
  }

  void close() throws IOException {
    store.close();
  }
}
