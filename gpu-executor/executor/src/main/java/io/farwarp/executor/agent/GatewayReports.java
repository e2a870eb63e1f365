package io.farwarp.executor.agent;

import com.google.protobuf.ByteString;
import io.farwarp.rdma.linux.HostId;
import io.farwarp.v1.AgentDraining;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.AgentMessage;
import io.farwarp.v1.DeviceState;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.Heartbeat;
import io.farwarp.v1.HeldLease;
import io.farwarp.v1.LeaseEnded;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.PrepareLease;
import io.farwarp.wire.Status;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;

/**
 * What an agent tells its gateway. The end of a lease that cannot be told now is told when the
 * gateway has welcomed the agent again. Used by the agent's thread only.
 */
final class GatewayReports {
  private static final int MAX_UNTOLD_ENDS = 1024;
  private static final int INCARNATION_BYTES = 16;

  private final AgentOptions options;
  private final GatewayLink link;
  private final ByteString incarnation;
  private final Deque<LeaseEnded> untoldEnds = new ArrayDeque<>();

  /** As AgentHello.stream: the start of this run by the host's clock, and its streams. */
  private long stream = System.currentTimeMillis() << 20;

  private boolean isWelcome;

  GatewayReports(AgentOptions options, GatewayLink link) {
    this.options = options;
    this.link = link;
    byte[] random = new byte[INCARNATION_BYTES];
    new SecureRandom().nextBytes(random);
    this.incarnation = ByteString.copyFrom(random);
  }

  /** The first message of a stream: what this host has, and the leases that it holds. */
  AgentMessage.Builder hello(Collection<LeaseWorkers> leases, DeviceHealth health, long nowNs) {
    AgentHello.Builder hello =
        AgentHello.newBuilder()
            .setExecutorId(options.executorId())
            .setIncarnation(incarnation)
            .setVersion(version())
            .setHostId(HostId.local())
            .setWindowCapacityBytes(options.windowMemoryBytes())
            .setMaxWorkers(options.maxWorkers())
            .setStream(++stream)
            .addAllTransports(options.transports())
            .addAllDevices(
                options.devices().stream()
                    .map(each ->
                        each.report().toBuilder()
                            .setOutOfService(health.outOfService(each.id()))
                            .build())
                    .toList());
    leases.forEach(lease -> hello.addHeld(held(lease, nowNs)));
    return AgentMessage.newBuilder().setHello(hello);
  }

  private static String version() {
    String version = Agent.class.getPackage().getImplementationVersion();
    return version == null ? "dev" : version;
  }

  private static HeldLease held(LeaseWorkers lease, long nowNs) {
    PrepareLease order = lease.order();
    return HeldLease.newBuilder()
        .setLeaseId(order.getLeaseId())
        .setDeviceId(order.getDeviceId())
        .setWindowBytes(order.getWindowBytes())
        .setShareMillis(order.getShareMillis())
        .setWorkers(order.getWorkers())
        .setTenant(order.getTenant())
        .setTtlMs(lease.leftMs(nowNs))
        .build();
  }

  /** The gateway has answered the hello: it hears what ended meanwhile. */
  void welcomed() {
    isWelcome = true;
    while (!untoldEnds.isEmpty()) {
      link.send(AgentMessage.newBuilder().setLeaseEnded(untoldEnds.removeFirst()));
    }
  }

  void detached() {
    isWelcome = false;
  }

  boolean isWelcome() {
    return isWelcome;
  }

  void heartbeat() {
    link.send(AgentMessage.newBuilder().setHeartbeat(Heartbeat.getDefaultInstance()));
  }

  void draining() {
    link.send(AgentMessage.newBuilder().setDraining(AgentDraining.getDefaultInstance()));
  }

  /** If there is no stream now, the next hello has it. */
  void deviceState(String deviceId, String outOfService) {
    link.send(
        AgentMessage.newBuilder()
            .setDeviceState(
                DeviceState.newBuilder().setDeviceId(deviceId).setOutOfService(outOfService)));
  }

  void leasePrepared(LeasePrepared message) {
    link.send(AgentMessage.newBuilder().setLeasePrepared(message));
  }

  /** Again, if the gateway has not shown that it knows. */
  void leasePreparedIfUnconfirmed(LeaseWorkers lease) {
    LeasePrepared prepared = lease.unconfirmed();
    if (prepared != null) {
      leasePrepared(prepared);
    }
  }

  void prepareFailed(String leaseId, Status status, String error) {
    leasePrepared(
        LeasePrepared.newBuilder()
            .setLeaseId(leaseId)
            .setStatus(status.name())
            .setError(error)
            .build());
  }

  /** If it is lost with its stream, the gateway asks again on the next one. */
  void functionPrepared(FunctionPrepared message) {
    link.send(AgentMessage.newBuilder().setFunctionPrepared(message));
  }

  void leaseEnded(String leaseId, LeaseState state, String reason) {
    LeaseEnded ended =
        LeaseEnded.newBuilder().setLeaseId(leaseId).setState(state).setReason(reason).build();
    if (isWelcome && link.send(AgentMessage.newBuilder().setLeaseEnded(ended))) {
      return;
    }
    if (untoldEnds.size() == MAX_UNTOLD_ENDS) {
      untoldEnds.removeFirst(); // the gateway learns it from the next hello, without the reason
    }
    untoldEnds.addLast(ended);
  }
}
