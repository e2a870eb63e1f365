package io.farwarp.gateway;

import io.farwarp.gateway.book.Account;
import io.farwarp.gateway.book.Command;
import io.farwarp.gateway.book.Event;
import io.farwarp.gateway.book.Executor;
import io.farwarp.gateway.book.Lease;
import io.farwarp.gateway.book.LeaseBook;
import io.farwarp.gateway.book.Slice;
import io.farwarp.gateway.store.Store;
import io.farwarp.gateway.store.Store.Change;
import io.farwarp.gateway.store.Store.Change.Delete;
import io.farwarp.gateway.store.Store.Change.Put;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.StoredCordon;
import io.farwarp.v1.StoredLease;
import io.farwarp.v1.StoredTenant;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What the store has of leases, tenants and cordons, and which of them it has to write or drop. On
 * the thread of {@link LeaseControl} only.
 */
final class StoreKeeper {
  private static final String LEASES = "leases/";
  private static final String TENANTS = "tenants/";
  private static final String CORDONS = "cordons/";

  private final LeaseBook book;
  private final LeaseMessages messages;
  private final Store store;

  /** Leases that the store has. */
  private final Set<String> kept = new HashSet<>();

  private final Set<String> changedLeases = new LinkedHashSet<>();
  private final Set<String> changedTenants = new LinkedHashSet<>();
  private final Set<String> changedCordons = new LinkedHashSet<>();

  StoreKeeper(LeaseBook book, LeaseMessages messages, Store store) {
    this.book = book;
    this.messages = messages;
    this.store = store;
  }

  /** What operators have decided, as commands. */
  List<Command> decisions() throws IOException {
    List<Command> commands = new ArrayList<>();
    for (Store.Entry entry : store.range(TENANTS)) {
      StoredTenant tenant = StoredTenant.parseFrom(entry.value());
      commands.add(new Command.RestoreTenant(tenant.getPolicy(), tenant.getUsedNs()));
    }
    for (Store.Entry entry : store.range(CORDONS)) {
      commands.add(
          new Command.RestoreCordon(
              entry.key().substring(CORDONS.length()),
              StoredCordon.parseFrom(entry.value()).getReason()));
    }
    return commands;
  }

  List<StoredLease> leases() throws IOException {
    List<StoredLease> leases = new ArrayList<>();
    for (Store.Entry entry : store.range(LEASES)) {
      leases.add(StoredLease.parseFrom(entry.value()));
      kept.add(entry.key().substring(LEASES.length()));
    }
    return leases;
  }

  void note(List<Event> events) {
    for (Event event : events) {
      switch (event) {
        case Event.StateChanged e -> {
          if (usable(e.state()) || kept.contains(e.leaseId())) {
            changedLeases.add(e.leaseId());
          }
        }
        case Event.Renewed e -> changedLeases.add(e.leaseId());
        case Event.FunctionReady e -> changedLeases.add(e.leaseId());
        // Its executor will know it by that number for as long as the lease lives.
        case Event.PrepareFunction e -> changedLeases.add(e.leaseId());
        case Event.TenantChanged e -> changedTenants.add(e.tenant());
        case Event.CordonChanged e -> changedCordons.add(e.executorId());
        case Event.Accepted _,
            Event.Refused _,
            Event.Queued _,
            Event.FunctionAllotted _,
            Event.FunctionFailed _,
            Event.SliceFreed _,
            Event.Welcome _,
            Event.Prepare _,
            Event.Extend _,
            Event.End _,
            Event.AgentSilent _ -> {}
      }
    }
  }

  private static boolean usable(LeaseState state) {
    return state == LeaseState.ACTIVE || state == LeaseState.EXPIRING;
  }

  /**
   * Has the store keep what was noted, in one transaction; after a failure all of it is tried
   * again.
   *
   * @param probe write even if there is nothing to keep, to see whether that works
   */
  void keep(boolean probe) throws IOException {
    List<Change> changes = new ArrayList<>();
    Set<String> put = new HashSet<>();
    for (String leaseId : changedLeases) {
      Lease lease = book.lease(leaseId);
      Slice slice = lease == null ? null : lease.slice();
      if (lease != null && slice != null && lease.usable()) {
        Executor executor = book.executor(slice.executorId());
        String agent = executor == null ? "" : executor.agent();
        changes.add(new Put(LEASES + leaseId, messages.stored(lease, slice, agent).toByteArray()));
        put.add(leaseId);
      } else if (kept.contains(leaseId)) {
        changes.add(new Delete(LEASES + leaseId));
      }
    }
    for (String tenant : changedTenants) {
      Account account = book.account(tenant);
      StoredTenant stored =
          StoredTenant.newBuilder().setPolicy(account.policy()).setUsedNs(account.usedNs()).build();
      changes.add(new Put(TENANTS + tenant, stored.toByteArray()));
    }
    for (String executorId : changedCordons) {
      String reason = book.cordons().get(executorId);
      changes.add(
          reason == null
              ? new Delete(CORDONS + executorId)
              : new Put(
                  CORDONS + executorId,
                  StoredCordon.newBuilder().setReason(reason).build().toByteArray()));
    }
    if (!changes.isEmpty() || probe) {
      boolean _ = store.commit(List.of(), changes);
    }
    kept.removeAll(changedLeases);
    kept.addAll(put);
    changedLeases.clear();
    changedTenants.clear();
    changedCordons.clear();
  }

  /** Leases that are usable and that the store has never had. */
  List<String> unkeptActive() {
    List<String> active = new ArrayList<>();
    for (String leaseId : changedLeases) {
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
