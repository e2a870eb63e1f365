package io.farwarp.client;

import io.farwarp.v1.AdminServiceGrpc;
import io.farwarp.v1.CordonExecutorRequest;
import io.farwarp.v1.DrainExecutorRequest;
import io.farwarp.v1.RevokeLeaseRequest;
import io.farwarp.v1.SetTenantRequest;
import io.farwarp.v1.TenantPolicy;
import io.farwarp.v1.UncordonExecutorRequest;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * What an operator decides about leases, executors and tenants. Any thread; each call returns when
 * the gateway has done it.
 *
 * <p>Every method throws {@link GatewayException} if the gateway refuses, or cannot be reached.
 */
public final class Operator {
  private final GatewayChannel gateway;
  private final ConnectOptions options;

  Operator(GatewayChannel gateway, ConnectOptions options) {
    this.gateway = gateway;
    this.options = options;
  }

  /** Ends anyone's lease at once. */
  public void revoke(String leaseId, String reason) {
    revoke(leaseId, Duration.ZERO, reason);
  }

  /**
   * Ends anyone's lease.
   *
   * @param grace how long its holder may go on with it, up to 24 h
   */
  public void revoke(String leaseId, Duration grace, String reason) {
    call(
        "revoking lease " + leaseId,
        admin -> {
          var _ =
              admin.revokeLease(
                  RevokeLeaseRequest.newBuilder()
                      .setLeaseId(leaseId)
                      .setGraceMs(grace.toMillis())
                      .setReason(reason)
                      .build());
        });
  }

  /** Nothing new is placed on the executor until it is {@link #uncordon uncordoned}. */
  public void cordon(String executorId, String reason) {
    call(
        "cordoning executor " + executorId,
        admin -> {
          var _ =
              admin.cordonExecutor(
                  CordonExecutorRequest.newBuilder()
                      .setExecutorId(executorId)
                      .setReason(reason)
                      .build());
        });
  }

  public void uncordon(String executorId) {
    call(
        "uncordoning executor " + executorId,
        admin -> {
          var _ =
              admin.uncordonExecutor(
                  UncordonExecutorRequest.newBuilder().setExecutorId(executorId).build());
        });
  }

  /**
   * Cordons the executor and ends its leases.
   *
   * @param grace how long their holders may go on with them, up to 24 h
   */
  public void drain(String executorId, Duration grace, String reason) {
    call(
        "draining executor " + executorId,
        admin -> {
          var _ =
              admin.drainExecutor(
                  DrainExecutorRequest.newBuilder()
                      .setExecutorId(executorId)
                      .setGraceMs(grace.toMillis())
                      .setReason(reason)
                      .build());
        });
  }

  /**
   * Replaces the tenant's policy.
   *
   * @param resetUse what it has used of device time so far counts no more
   */
  public void setTenant(TenantPolicy policy, boolean resetUse) {
    call(
        "policy of tenant " + policy.getTenant(),
        admin -> {
          var _ =
              admin.setTenant(
                  SetTenantRequest.newBuilder().setPolicy(policy).setResetUse(resetUse).build());
        });
  }

  private void call(String what, Consumer<AdminServiceGrpc.AdminServiceBlockingStub> call) {
    try {
      call.accept(
          AdminServiceGrpc.newBlockingStub(gateway.channel())
              .withDeadlineAfter(options.requestTimeout().toNanos(), TimeUnit.NANOSECONDS));
    } catch (StatusRuntimeException e) {
      throw gateway.error(what, e);
    }
  }
}
