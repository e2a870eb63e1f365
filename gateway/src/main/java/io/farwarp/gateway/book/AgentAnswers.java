package io.farwarp.gateway.book;

import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.LeaseState;
import io.farwarp.wire.Status;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The book's part that takes what agents say of the leases that were put on them. */
final class AgentAnswers {
  private final LeaseBook book;

  AgentAnswers(LeaseBook book) {
    this.book = book;
  }

  void prepared(Command.Prepared c, long nowNs) {
    LeasePrepared answer = c.answer();
    Lease lease = heldOn(c.executorId(), answer.getLeaseId());
    if (lease == null) {
      return;
    }
    if (!answer.getError().isEmpty()) {
      book.end(
          lease,
          LeaseState.FAILED,
          LeaseFunctions.statusOf(answer.getStatus(), Status.RESOURCE_EXHAUSTED),
          "executor %s cannot prepare it: %s".formatted(c.executorId(), answer.getError()),
          false);
      book.free(lease);
      return;
    }
    if (lease.state != LeaseState.PREPARING) {
      return;
    }
    int workers = lease.spec.request().getWorkers();
    if (answer.getWorkersCount() != workers) {
      book.fail(
          lease,
          Status.PROTOCOL_ERROR,
          "executor %s started %d workers; %d were asked for"
              .formatted(c.executorId(), answer.getWorkersCount(), workers));
      return;
    }
    LeaseFunctions.Failure failure = LeaseFunctions.takeOver(lease, answer);
    if (failure != null) {
      book.fail(lease, failure.status(), failure.reason());
      return;
    }
    lease.functions.forEach(slot -> book.loaded(lease, slot));
    lease.workers = List.copyOf(answer.getWorkersList());
    lease.activeNs = nowNs;
    book.setDeadline(lease, lease.spec.durationNs());
    book.change(lease, LeaseState.ACTIVE, Status.OK, "");
  }

  void ended(Command.Ended c) {
    Lease lease = heldOn(c.executorId(), c.leaseId());
    if (lease == null) {
      return;
    }
    LeaseState state = Lease.ended(c.state()) ? c.state() : LeaseState.FAILED;
    if (lease.state == LeaseState.EXPIRING && state == LeaseState.EXPIRED) {
      book.end(lease, lease.endsAs, Lease.statusOf(lease.endsAs), lease.reason, false);
    } else {
      book.end(lease, state, Lease.statusOf(state), c.reason(), false);
    }
    book.free(lease);
  }

  /** The lease, if the executor holds it. */
  @Nullable Lease heldOn(String executorId, String leaseId) {
    Lease lease = book.lease(leaseId);
    Slice slice = lease == null ? null : lease.slice;
    return lease != null && slice != null && lease.held && slice.executorId().equals(executorId)
        ? lease
        : null;
  }
}
