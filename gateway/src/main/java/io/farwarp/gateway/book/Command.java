package io.farwarp.gateway.book;

import static io.farwarp.gateway.book.LeaseSpec.inRange;

import com.google.protobuf.ByteString;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.StoredLease;
import io.farwarp.v1.TenantPolicy;
import io.farwarp.wire.PeerText;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

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

  /**
   * An operator, or the gateway itself, ends a lease.
   *
   * @param graceNs how long its holder may go on with it; 0: not at all
   */
  record Revoke(String leaseId, long graceNs, String reason) implements Command {}

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

  /**
   * An operator lets nothing new be placed on an executor, whatever becomes of its agent and of the
   * gateway.
   */
  record Cordon(String executorId, String reason) implements Command {}

  record Uncordon(String executorId) implements Command {}

  /**
   * The same as {@link Cordon}, and ends the leases that are there.
   *
   * @param graceNs how long their holders may go on with them
   */
  record Drain(String executorId, long graceNs, String reason) implements Command {}

  /**
   * An operator says what a tenant is granted at most.
   *
   * @param resetUse its use of device time begins anew
   */
  record SetTenant(TenantPolicy policy, boolean resetUse) implements Command {
    private static final Pattern TENANT = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

    /** Throws {@link IllegalArgumentException} that names the field, its value and the limit. */
    public SetTenant {
      if (!TENANT.matcher(policy.getTenant()).matches()) {
        throw new IllegalArgumentException(
            "tenant \"%s\" is not 1 to 64 of [A-Za-z0-9._-]"
                .formatted(PeerText.printable(policy.getTenant())));
      }
      inRange("weight", policy.getWeight(), 0, 1000);
      inRange("max_leases", policy.getMaxLeases(), 0, 1_000_000);
      inRange("max_window_bytes", policy.getMaxWindowBytes(), 0, 1L << 60);
      inRange("max_device_seconds", policy.getMaxDeviceSeconds(), 0, 1_000_000_000);
      inRange("max_requests_per_second", policy.getMaxRequestsPerSecond(), 0, 1_000_000);
      policy = policy.toBuilder().setWeight(Math.max(1, policy.getWeight())).build();
    }
  }

  /** What the store of a gateway that has restarted says of a tenant. */
  record RestoreTenant(TenantPolicy policy, long usedNs) implements Command {}

  record RestoreCordon(String executorId, String reason) implements Command {}

  /** The stream of an agent has ended; what it holds it holds. */
  record AgentDetached(String executorId, ByteString incarnation) implements Command {}

  record Prepared(String executorId, LeasePrepared answer) implements Command {}

  record FunctionAnswered(String executorId, FunctionPrepared answer) implements Command {}

  /** The agent has ended a lease, or confirms that it holds it no more. */
  record Ended(String executorId, String leaseId, LeaseState state, String reason)
      implements Command {}

  /** A lease from the store of a gateway that has restarted. */
  record Restore(
      StoredLease stored, long requestedNs, long activeNs, long deadlineNs, long holdUntilNs)
      implements Command {}

  /** Time has passed. */
  record Tick() implements Command {}
}
