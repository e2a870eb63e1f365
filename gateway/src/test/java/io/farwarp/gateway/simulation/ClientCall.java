package io.farwarp.gateway.simulation;

import io.farwarp.gateway.book.Command;
import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.Lease;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.PreparedFunction;

/** What a client, or an operator, asks of a gateway. */
sealed interface ClientCall {
  record Acquire(String tenant, AcquireRequest request) implements ClientCall {
    @Override
    public String toString() {
      return "acquire";
    }
  }

  record Watch(String tenant, String leaseId) implements ClientCall {}

  record Renew(String tenant, String leaseId, long durationNs) implements ClientCall {}

  record Release(String tenant, String leaseId) implements ClientCall {}

  record PrepareFunction(String tenant, String leaseId, String reference) implements ClientCall {}

  record Operate(Command command) implements ClientCall {}

  /** What it is told. */
  sealed interface Answer {
    record State(LeaseEvent event) implements Answer {}

    /** ACTIVE, for its holder. */
    record Granted(Lease lease, LeaseToken token) implements Answer {}

    record Renewed(Lease lease, LeaseToken token) implements Answer {}

    record Prepared(PreparedFunction function) implements Answer {}

    record Done() implements Answer {}
  }
}
