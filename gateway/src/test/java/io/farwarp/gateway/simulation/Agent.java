package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.MS;
import static io.farwarp.gateway.simulation.World.S;

import com.google.protobuf.ByteString;
import io.farwarp.v1.AgentDraining;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.AgentMessage;
import io.farwarp.v1.AgentWelcome;
import io.farwarp.v1.DeviceState;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.GatewayMessage;
import io.farwarp.v1.Heartbeat;
import io.farwarp.v1.HeldLease;
import io.farwarp.v1.LeaseEnded;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.PrepareLease;
import io.farwarp.v1.PrepareLeaseFunction;
import io.farwarp.v1.RevokeLease;
import io.farwarp.wire.Status;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The agent of one host, as the real one behaves: what it does on its one thread, its stream to the
 * gateway and the next one when that breaks, what it tells late.
 */
final class Agent extends Party {
  private static final long TICK_NS = 100 * MS;
  private static final long FIRST_PAUSE_NS = 100 * MS;
  private static final long LONGEST_PAUSE_NS = 2 * S;

  /** A child whose parent is gone reads the end of its standard input. */
  private static final long ORPHAN_NS = 60 * MS;

  final Host host;
  private final Network network;
  private final GatewayHost gateway;
  private final Checks checks;
  private final Map<String, AgentLease> leases = new LinkedHashMap<>();
  private final Deque<LeaseEnded> untold = new ArrayDeque<>();
  private @Nullable Connection<AgentMessage, GatewayMessage> stream;
  private long incarnations;
  private long streams;
  private long sequence;
  private long pauseNs;
  private long retryNs;
  private boolean retries;
  private boolean welcome;
  private boolean draining;
  private String outOfService = "";
  private long heartbeatNs;
  private long nextHeartbeatNs;
  private boolean up;

  /** Until when, in the world's time, something is or was wrong with it or its link. */
  private long disturbedUntilNs;

  Agent(Network network, GatewayHost gateway, Host host, Checks checks) {
    super(network.world, host.name, new HostClock(network.world));
    this.network = network;
    this.gateway = gateway;
    this.host = host;
    this.checks = checks;
  }

  // Its process

  void start() {
    incarnations++;
    up = true;
    pauseNs = FIRST_PAUSE_NS;
    heartbeatNs = S;
    welcome = false;
    draining = false;
    retries = false;
    outOfService = "";
    note("starts");
    attach();
    after(TICK_NS, this::tick);
  }

  boolean isUp() {
    return up;
  }

  /** Its workers follow soon. */
  void die() {
    if (up) {
      note("dies");
      up = false;
      var open = network.connectionsOf(this);
      endLife();
      stream = null;
      open.forEach(connection -> connection.died(this));
      leases.values().forEach(lease -> lease.orphaned(ORPHAN_NS));
      leases.clear();
      untold.clear();
      long downNs = world.between(2 * ORPHAN_NS, 8 * S);
      disturbed(downNs);
      world.after(downNs, this::start);
    }
  }

  @Override
  void pause(long ns) {
    super.pause(ns);
    disturbed(ns);
  }

  /** Something is wrong with it, or with its link, for so long. */
  void disturbed(long forNs) {
    disturbedUntilNs = Math.max(disturbedUntilNs, world.nowNs() + forNs);
  }

  /** Nothing has been wrong for so long. */
  boolean calm(long forNs) {
    return disturbedUntilNs + forNs < world.nowNs();
  }

  void breakStream() {
    if (stream != null) {
      stream.breakDown();
      disturbed(0);
    }
  }

  @Nullable Worker anyWorker() {
    List<Worker> all = leases.values().stream().flatMap(lease -> lease.workers().stream()).toList();
    return all.isEmpty() ? null : all.get(world.below(all.size()));
  }

  /** As by a signal: takes nothing new; what runs may go on. */
  void drain() {
    if (up && !draining) {
      note("drains");
      draining = true;
      sayDraining();
    }
  }

  /** From now on it takes leases. */
  void serve() {
    resume();
    setOutOfService("");
    if (draining) {
      die();
    }
  }

  void setOutOfService(String why) {
    if (up && !outOfService.equals(why)) {
      outOfService = why;
      send(
          AgentMessage.newBuilder()
              .setDeviceState(
                  DeviceState.newBuilder().setDeviceId(Host.device(0)).setOutOfService(why)));
    }
  }

  private void tick() {
    if (retries && clock.nowNs() >= retryNs) {
      retries = false;
      attach();
    }
    List.copyOf(leases.values()).forEach(AgentLease::tick);
    if (welcome && clock.nowNs() >= nextHeartbeatNs) {
      nextHeartbeatNs = clock.nowNs() + heartbeatNs;
      send(AgentMessage.newBuilder().setHeartbeat(Heartbeat.getDefaultInstance()));
    }
    after(TICK_NS, this::tick);
  }

  // Its stream

  private void attach() {
    long number = ++streams;
    sequence = 0;
    welcome = false;
    stream =
        gateway.attach(
            this,
            new Connection.End<>() {
              @Override
              public void message(GatewayMessage message) {
                if (stream != null && number == streams) {
                  pauseNs = FIRST_PAUSE_NS;
                  take(message);
                }
              }

              @Override
              public void ended(String why) {
                if (number == streams) {
                  detached(why);
                }
              }
            });
    send(AgentMessage.newBuilder().setHello(hello()));
  }

  private void detached(String why) {
    note("has no gateway: %s", why);
    disturbed(0);
    stream = null;
    welcome = false;
    retries = true;
    retryNs = clock.nowNs() + pauseNs + world.between(0, pauseNs / 4);
    pauseNs = Math.min(2 * pauseNs, LONGEST_PAUSE_NS);
  }

  private AgentHello hello() {
    AgentHello.Builder hello =
        host.report()
            .setStream(incarnations * 1_000_000 + streams)
            .setIncarnation(
                ByteString.copyFrom(
                    ByteBuffer.allocate(16)
                        .putLong(name.hashCode())
                        .putLong(incarnations)
                        .array()));
    hello.setDevices(0, hello.getDevices(0).toBuilder().setOutOfService(outOfService));
    for (AgentLease lease : leases.values()) {
      PrepareLease order = lease.order();
      hello.addHeld(
          HeldLease.newBuilder()
              .setLeaseId(order.getLeaseId())
              .setDeviceId(order.getDeviceId())
              .setWindowBytes(order.getWindowBytes())
              .setShareMillis(order.getShareMillis())
              .setWorkers(order.getWorkers())
              .setTenant(order.getTenant())
              .setTtlMs(lease.leftMs()));
    }
    return hello.build();
  }

  private boolean send(AgentMessage.Builder message) {
    if (stream == null) {
      return false;
    }
    AgentMessage whole = message.setSequence(++sequence).build();
    if (!whole.hasHeartbeat()) {
      note("says: %s", whole);
    }
    stream.send(whole);
    return true;
  }

  private void take(GatewayMessage message) {
    switch (message.getMessageCase()) {
      case WELCOME -> welcome(message.getWelcome());
      case PREPARE_LEASE -> prepare(message.getPrepareLease());
      case PREPARE_FUNCTION -> prepareFunction(message.getPrepareFunction());
      case EXTEND -> {
        AgentLease lease = leases.get(message.getExtend().getLeaseId());
        if (lease != null) {
          lease.extend(message.getExtend());
        }
      }
      case REVOKE -> revoke(message.getRevoke());
      case MESSAGE_NOT_SET -> throw new AssertionError("an empty message from the gateway");
    }
  }

  private void welcome(AgentWelcome message) {
    heartbeatNs = message.getHeartbeatMs() * MS;
    nextHeartbeatNs = clock.nowNs() + heartbeatNs;
    for (String leaseId : message.getEndLeasesList()) {
      AgentLease lease = leases.get(leaseId);
      if (lease == null) {
        sayEnded(leaseId, LeaseState.REVOKED, "this agent does not hold it");
      } else {
        lease.end(LeaseState.REVOKED, "the gateway does not know the lease");
      }
    }
    welcome = true;
    while (!untold.isEmpty()) {
      boolean _ = send(AgentMessage.newBuilder().setLeaseEnded(untold.removeFirst()));
    }
    leases.values().forEach(this::sayPreparedIfUnconfirmed);
    if (draining) {
      sayDraining();
    }
  }

  private void sayDraining() {
    boolean _ = send(AgentMessage.newBuilder().setDraining(AgentDraining.getDefaultInstance()));
  }

  // Leases

  private void prepare(PrepareLease order) {
    AgentLease known = leases.get(order.getLeaseId());
    if (known != null) {
      sayPreparedIfUnconfirmed(known);
      return;
    }
    String noRoom = noRoom(order);
    if (!noRoom.isEmpty()) {
      checks.hasNoRoom(this, order, noRoom);
      sayPrepareFailed(order.getLeaseId(), noRoom);
    } else if (draining
        || (!outOfService.isEmpty() && order.getDeviceId().equals(Host.device(0)))) {
      sayPrepareFailed(
          order.getLeaseId(), "the executor is draining, or the device out of service");
    } else {
      AgentLease lease = new AgentLease(this, network, order);
      leases.put(order.getLeaseId(), lease);
      lease.start();
    }
  }

  /** As AdmissionCheck of the real one: bytes of host and device, share, workers. */
  private String noRoom(PrepareLease order) {
    AgentHello report = host.report().build();
    long bytes = order.getWindowBytes() * order.getWorkers();
    long deviceBytes = bytes;
    int workers = order.getWorkers();
    int share = order.getShareMillis();
    for (AgentLease lease : leases.values()) {
      long theirs = lease.order().getWindowBytes() * lease.order().getWorkers();
      bytes += theirs;
      workers += lease.order().getWorkers();
      if (lease.order().getDeviceId().equals(order.getDeviceId())) {
        deviceBytes += theirs;
        share += lease.order().getShareMillis();
      }
    }
    long mostBytes =
        report.getDevicesList().stream()
            .filter(device -> device.getDeviceId().equals(order.getDeviceId()))
            .mapToLong(device -> device.getMemoryBytes())
            .sum();
    return bytes <= report.getWindowCapacityBytes()
            && deviceBytes <= mostBytes
            && workers <= report.getMaxWorkers()
            && share <= 1000
        ? ""
        : "%d of %d bytes, %d of %d and %d thousandths of the device, %d workers"
            .formatted(
                bytes, report.getWindowCapacityBytes(), deviceBytes, mostBytes, share, workers);
  }

  private void prepareFunction(PrepareLeaseFunction order) {
    AgentLease lease = leases.get(order.getLeaseId());
    if (lease != null) {
      lease.load(order.getFunction().getFunctionId(), false);
    } else {
      sayFunction(
          FunctionPrepared.newBuilder()
              .setLeaseId(order.getLeaseId())
              .setFunctionId(order.getFunction().getFunctionId())
              .setStatus(Status.WORKER_LOST.name())
              .setError("this executor does not hold it")
              .build());
    }
  }

  private void revoke(RevokeLease order) {
    AgentLease lease = leases.get(order.getLeaseId());
    if (lease == null) {
      sayEnded(order.getLeaseId(), order.getState(), "this agent does not hold it");
    } else {
      lease.end(order.getState(), order.getReason());
    }
  }

  void sayPrepared(LeasePrepared message) {
    boolean _ = send(AgentMessage.newBuilder().setLeasePrepared(message));
  }

  private void sayPreparedIfUnconfirmed(AgentLease lease) {
    LeasePrepared message = lease.unconfirmed();
    if (message != null) {
      sayPrepared(message);
    }
  }

  private void sayPrepareFailed(String leaseId, String why) {
    sayPrepared(
        LeasePrepared.newBuilder()
            .setLeaseId(leaseId)
            .setStatus(Status.RESOURCE_EXHAUSTED.name())
            .setError(why)
            .build());
  }

  void sayFunction(FunctionPrepared message) {
    boolean _ = send(AgentMessage.newBuilder().setFunctionPrepared(message));
  }

  private void sayEnded(String leaseId, LeaseState state, String reason) {
    LeaseEnded message =
        LeaseEnded.newBuilder().setLeaseId(leaseId).setState(state).setReason(reason).build();
    if (!welcome || !send(AgentMessage.newBuilder().setLeaseEnded(message))) {
      untold.addLast(message);
    }
  }

  /** Its processes are gone and its windows are free. */
  void gone(AgentLease lease) {
    leases.remove(lease.order().getLeaseId());
    String error = lease.prepareError();
    if (!error.isEmpty() && lease.endState() == LeaseState.FAILED) {
      sayPrepareFailed(lease.order().getLeaseId(), error);
    } else {
      sayEnded(lease.order().getLeaseId(), lease.endState(), lease.endReason());
    }
  }
}
