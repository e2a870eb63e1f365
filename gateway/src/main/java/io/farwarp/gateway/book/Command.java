package io.farwarp.gateway.book;

import com.google.protobuf.ByteString;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.StoredLease;
import java.util.List;
import java.util.Map;

/** What may happen to a {@link LeaseBook}. Its parts are checked before they get here. */
public sealed interface Command {
  /**
   * A tenant asks for a lease.
   *
   * @param leaseId the id it gets unless the same request is known already
   * @param functions what to prepare with it; they become functions 1, 2, ...
   */
  record Request(String leaseId, String tenant, LeaseSpec spec, List<FunctionVersion> functions)
      implements Command {}

  /** The holder, or the one who asked, wants no more of it. */
  record Release(String leaseId, String reason) implements Command {}

  /** An operator, or the gateway itself, ends a lease. */
  record Revoke(String leaseId, String reason) implements Command {}

  record Renew(String leaseId, long durationNs) implements Command {}

  record PrepareFunction(String leaseId, FunctionVersion version) implements Command {}

  /**
   * An agent's stream has begun.
   *
   * @param agent name of the credential it came with
   */
  record AgentAttached(String agent, AgentHello hello) implements Command {}

  /**
   * Agents were heard. Taken in before the time that has passed, so that it does not matter how
   * late the book learns of it.
   *
   * @param heardNs when, by executor id
   */
  record Heartbeats(Map<String, Long> heardNs) implements Command {}

  record AgentDraining(String executorId) implements Command {}

  /**
   * A device takes leases no more, or again.
   *
   * @param outOfService why not; empty: it does
   */
  record DeviceState(String executorId, String deviceId, String outOfService) implements Command {}

  /** The stream of an agent has ended; what it holds it holds. */
  record AgentDetached(String executorId, ByteString incarnation) implements Command {}

  record Prepared(String executorId, LeasePrepared answer) implements Command {}

  record FunctionAnswered(String executorId, FunctionPrepared answer) implements Command {}

  /** The agent has ended a lease, or confirms that it holds it no more. */
  record Ended(String executorId, String leaseId, LeaseState state, String reason)
      implements Command {}

  /** A lease from the store of a gateway that has restarted. */
  record Restore(StoredLease stored, long requestedNs, long deadlineNs, long holdUntilNs)
      implements Command {}

  /** Time has passed. */
  record Tick() implements Command {}
}
