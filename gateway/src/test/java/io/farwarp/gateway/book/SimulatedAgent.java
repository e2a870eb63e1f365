package io.farwarp.gateway.book;

import static io.farwarp.gateway.book.BookFixture.MIB;
import static io.farwarp.gateway.book.BookFixture.bytes;
import static io.farwarp.gateway.book.BookFixture.device;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.AgentHello;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.HeldLease;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.LeaseState;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * An agent on a simulated host: what it really holds, what is on its way to and from it, and its
 * own view of deadlines. It checks after each change that it holds no more than it has.
 */
final class SimulatedAgent {
  static final int CAPACITY_MIB = 64;
  static final int MAX_WORKERS = 4;

  record Held(long windowBytes, int shareMillis, int workers, String tenant, long deadlineNs) {}

  final String id;
  final Map<String, Held> held = new LinkedHashMap<>();

  /** Held leases whose workers are on their way to their end. */
  private final ArrayDeque<String> ending = new ArrayDeque<>();

  final ArrayDeque<Event> inbox = new ArrayDeque<>();
  final ArrayDeque<Command> outbox = new ArrayDeque<>();
  boolean connected;
  long hungUntilNs;
  private long incarnation = 1;

  SimulatedAgent(String id) {
    this.id = id;
  }

  boolean hung(long nowNs) {
    return nowNs < hungUntilNs;
  }

  AgentHello hello(long nowNs) {
    List<HeldLease> leases = new ArrayList<>();
    held.forEach((leaseId, lease) ->
        leases.add(
            HeldLease.newBuilder()
                .setLeaseId(leaseId)
                .setTenant(lease.tenant)
                .setDeviceId("ptx-0")
                .setWindowBytes(lease.windowBytes / lease.workers)
                .setShareMillis(lease.shareMillis)
                .setWorkers(lease.workers)
                .setTtlMs(TimeUnit.NANOSECONDS.toMillis(lease.deadlineNs - nowNs))
                .build()));
    return AgentHello.newBuilder()
        .setExecutorId(id)
        .setIncarnation(bytes(16, incarnation))
        .setHostId(id)
        .setWindowCapacityBytes(CAPACITY_MIB * MIB)
        .setMaxWorkers(MAX_WORKERS)
        .addDevices(device("ptx-0", DeviceClass.PTX_CPU, CAPACITY_MIB))
        .addAllHeld(leases)
        .build();
  }

  /** The process dies, and its workers with it. */
  void crash() {
    held.clear();
    ending.clear();
    inbox.clear();
    outbox.clear();
    connected = false;
    hungUntilNs = 0;
    incarnation++;
  }

  /** The stream breaks; what was on its way is lost. */
  void cut() {
    connected = false;
    inbox.clear();
    outbox.clear();
  }

  /** Ends what its own clock says is over. */
  void enforceDeadlines(long nowNs) {
    for (Map.Entry<String, Held> each : List.copyOf(held.entrySet())) {
      if (each.getValue().deadlineNs <= nowNs) {
        end(each.getKey(), LeaseState.EXPIRED);
      }
    }
  }

  void end(String leaseId, LeaseState state) {
    held.remove(leaseId);
    say(new Command.Ended(id, leaseId, state, "ended by its agent"));
  }

  /** What it does not hold is confirmed at once. */
  private void startToEnd(String leaseId) {
    if (held.containsKey(leaseId)) {
      ending.add(leaseId);
    } else {
      end(leaseId, LeaseState.REVOKED);
    }
  }

  /** One of the leases that are ending has ended. */
  void finishOne() {
    String leaseId = ending.poll();
    if (leaseId != null) {
      end(leaseId, LeaseState.REVOKED);
    }
  }

  boolean busy() {
    return !inbox.isEmpty() || !outbox.isEmpty() || !ending.isEmpty();
  }

  private void say(Command command) {
    if (connected) {
      outbox.add(command);
    }
  }

  /** Does what the oldest message says. */
  void read(LeaseBook book, long nowNs, boolean fails) {
    Event message = inbox.poll();
    switch (message) {
      case Event.Prepare prepare -> {
        Lease lease = book.lease(prepare.leaseId());
        // The message carries the slice; here it is looked up, and may be forgotten already.
        if (lease != null && lease.slice() != null) {
          prepare(lease, prepare, nowNs, fails);
        }
      }
      case Event.Extend extend ->
          held.computeIfPresent(
              extend.leaseId(),
              (_, lease) ->
                  new Held(
                      lease.windowBytes,
                      lease.shareMillis,
                      lease.workers,
                      lease.tenant,
                      nowNs + extend.ttlNs()));
      case Event.End end -> startToEnd(end.leaseId());
      case Event.Welcome welcome -> welcome.endLeases().forEach(this::startToEnd);
      case null, default -> throw new IllegalStateException("not for an agent: " + message);
    }
  }

  private void prepare(Lease lease, Event.Prepare prepare, long nowNs, boolean fails) {
    if (fails) {
      say(
          new Command.Prepared(
              id, LeasePrepared.newBuilder().setLeaseId(lease.id()).setError("no memory").build()));
      return;
    }
    Held slice =
        new Held(
            lease.spec().totalBytes(),
            lease.spec().shareMillis(),
            lease.spec().request().getWorkers(),
            lease.tenant(),
            nowNs + prepare.ttlNs());
    assertTrue(held.put(lease.id(), slice) == null, lease.id() + " granted twice");
    check();
    say(new Command.Prepared(id, BookFixture.preparedMessage(lease)));
  }

  private void check() {
    long bytes = held.values().stream().mapToLong(Held::windowBytes).sum();
    int share = held.values().stream().mapToInt(Held::shareMillis).sum();
    int workers = held.values().stream().mapToInt(Held::workers).sum();
    assertTrue(workers <= MAX_WORKERS, () -> id + " runs " + workers + " workers: " + held);
    assertTrue(bytes <= CAPACITY_MIB * MIB, () -> id + " holds " + bytes + " bytes: " + held);
    assertTrue(share <= 1000, () -> id + " holds a share of " + share + ": " + held);
  }
}
