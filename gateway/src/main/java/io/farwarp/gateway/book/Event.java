package io.farwarp.gateway.book;

import io.farwarp.v1.LeaseState;
import io.farwarp.wire.Status;
import java.util.List;

/** What follows from a {@link Command}, in order. */
public sealed interface Event {
  /** A request is in the book under this id; {@code known}: it was before. */
  record Accepted(String leaseId, boolean known) implements Event {}

  /** The command was refused and has changed nothing. */
  record Refused(Status status, String reason) implements Event {}

  /** A request waits, 1 is next. */
  record Queued(String leaseId, int place, String reason) implements Event {}

  /** A lease is in another state; {@code status} is OK unless it has ended. */
  record StateChanged(String leaseId, LeaseState state, Status status, String reason)
      implements Event {}

  record Renewed(String leaseId) implements Event {}

  /** The lease's function has this number; it may not be ready yet. */
  record FunctionAllotted(String leaseId, int functionId) implements Event {}

  record FunctionReady(String leaseId, int functionId) implements Event {}

  record FunctionFailed(String leaseId, int functionId, Status status, String reason)
      implements Event {}

  /** The slice may be granted again. */
  record SliceFreed(String leaseId, Slice slice) implements Event {}

  /** What the tenant may hold, or what it has used, is not as it was. */
  record TenantChanged(String tenant) implements Event {}

  /** An operator has cordoned an executor, or no more: {@link LeaseBook#cordons}. */
  record CordonChanged(String executorId) implements Event {}

  /** To the agent: take it on; end the leases named. */
  record Welcome(String executorId, List<String> endLeases) implements Event {}

  /** To the agent: prepare the lease. */
  record Prepare(String executorId, String leaseId, long ttlNs) implements Event {}

  record PrepareFunction(String executorId, String leaseId, int functionId) implements Event {}

  /** To the agent: the lease's time to live is this. */
  record Extend(String executorId, String leaseId, long ttlNs) implements Event {}

  /** To the agent: end the lease and say so. */
  record End(String executorId, String leaseId, LeaseState state, String reason) implements Event {}

  /** Three heartbeats are missing: its stream, if it has one, is to be closed. */
  record AgentSilent(String executorId) implements Event {}
}
