package io.farwarp.gateway;

import com.google.protobuf.ByteString;
import io.farwarp.gateway.book.BookLimits;
import io.farwarp.gateway.book.Event;
import io.farwarp.gateway.book.FunctionSlot;
import io.farwarp.gateway.book.Lease;
import io.farwarp.gateway.book.LeaseBook;
import io.farwarp.gateway.book.Slice;
import io.farwarp.v1.AgentWelcome;
import io.farwarp.v1.GatewayMessage;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.PrepareLeaseFunction;
import io.farwarp.v1.PreparedFunction;
import io.farwarp.v1.RevokeLease;
import io.farwarp.wire.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Who is told of what: the calls that follow leases, the agents' streams, those who wait for a
 * function. Turns the book's events into messages when they happen and holds these back until
 * {@link #flush}. On the thread of {@link LeaseControl} only.
 */
final class ControlWires {
  /** Calls that watch one lease: each is told of each of its states. */
  static final int MAX_WATCHES = 64;

  private record FunctionKey(String leaseId, int functionId) {}

  /** Something to send; {@code active}: the lease that it reports as active. */
  private record Parcel(@Nullable String active, Runnable send) {}

  private final LeaseBook book;
  private final LeaseMessages messages;
  private final Map<String, AgentLink> links = new HashMap<>();
  private final Map<String, LeaseListener> owners = new HashMap<>();
  private final Map<LeaseListener, String> owned = new HashMap<>();
  private final Map<String, Set<LeaseListener>> watchers = new HashMap<>();
  private final Map<FunctionKey, List<CompletableFuture<PreparedFunction>>> awaited =
      new HashMap<>();
  private final Set<String> withheld = new HashSet<>();
  private List<Parcel> parcels = new ArrayList<>();
  private AgentWelcome welcome = AgentWelcome.getDefaultInstance();

  ControlWires(LeaseBook book, LeaseMessages messages) {
    this.book = book;
    this.messages = messages;
  }

  // Who is there

  void own(String leaseId, LeaseListener listener) {
    LeaseListener before = owners.put(leaseId, listener);
    if (before != null) {
      owned.remove(before);
      StatusRuntimeException superseded =
          Refusal.of(Status.CANCELLED, "the same request was sent again by another call").toGrpc();
      later(() -> before.failed(superseded));
    }
    owned.put(listener, leaseId);
  }

  @Nullable String disown(LeaseListener listener) {
    String leaseId = owned.remove(listener);
    if (leaseId != null) {
      owners.remove(leaseId, listener);
    }
    return leaseId;
  }

  void watch(String leaseId, LeaseListener listener) throws Refusal {
    Set<LeaseListener> all = watchers.computeIfAbsent(leaseId, _ -> new LinkedHashSet<>());
    if (all.size() >= MAX_WATCHES) {
      throw Refusal.of(
          Status.RESOURCE_EXHAUSTED,
          "lease %s is watched by %d calls, which is the limit: end some"
              .formatted(leaseId, MAX_WATCHES));
    }
    all.add(listener);
  }

  void unwatch(String leaseId, LeaseListener listener) {
    Set<LeaseListener> all = watchers.get(leaseId);
    if (all != null && all.remove(listener) && all.isEmpty()) {
      watchers.remove(leaseId);
    }
  }

  void attach(String executorId, AgentLink link, ByteString publicKey, BookLimits limits) {
    AgentLink before = links.put(executorId, link);
    if (before != null && before != link) {
      StatusRuntimeException replaced =
          Refusal.of(Status.ALREADY_CONNECTED, "executor " + executorId + " attached anew")
              .toGrpc();
      later(() -> before.close(replaced));
    }
    welcome =
        AgentWelcome.newBuilder()
            .setTokenPublicKey(publicKey)
            .setHeartbeatMs(TimeUnit.NANOSECONDS.toMillis(limits.heartbeatNs()))
            .build();
  }

  boolean current(String executorId, AgentLink link) {
    return links.get(executorId) == link;
  }

  boolean detach(String executorId, AgentLink link) {
    return links.remove(executorId, link);
  }

  void await(String leaseId, int functionId, CompletableFuture<PreparedFunction> done) {
    FunctionKey key = new FunctionKey(leaseId, functionId);
    awaited.computeIfAbsent(key, _ -> new ArrayList<>()).add(done);
  }

  /** Functions that are waited for, by someone who has not given up. */
  int awaited() {
    awaited.values().forEach(waiting -> waiting.removeIf(CompletableFuture::isDone));
    awaited.values().removeIf(List::isEmpty);
    return awaited.size();
  }

  // What they are told

  void later(Runnable send) {
    parcels.add(new Parcel(null, send));
  }

  /** Tells {@code listener} how {@code lease} is now. */
  void tell(Lease lease, LeaseListener listener) {
    LeaseEvent event = messages.event(lease);
    if (lease.state() == LeaseState.ACTIVE) {
      LeaseToken token = messages.token(lease);
      parcels.add(new Parcel(lease.id(), () -> listener.active(event, token)));
    } else {
      later(() -> listener.event(event));
    }
  }

  /** No one is told that this lease is active. */
  void withhold(String leaseId) {
    withheld.add(leaseId);
  }

  /** Sends all that has been held back; {@code guard} runs each. */
  void flush(Consumer<Runnable> guard) {
    while (!parcels.isEmpty()) {
      List<Parcel> now = parcels;
      parcels = new ArrayList<>();
      for (Parcel parcel : now) {
        if (parcel.active == null || !withheld.contains(parcel.active)) {
          guard.accept(parcel.send);
        }
      }
    }
    withheld.clear();
  }

  void follow(List<Event> events) {
    for (Event event : events) {
      switch (event) {
        case Event.Accepted _, Event.Refused _, Event.Renewed _, Event.SliceFreed _ -> {}
        case Event.FunctionAllotted _, Event.TenantChanged _, Event.CordonChanged _ -> {}
        case Event.Queued e -> tellAll(e.leaseId());
        case Event.StateChanged e -> tellAll(e.leaseId());
        case Event.FunctionReady e -> functionReady(e);
        case Event.FunctionFailed e ->
            functionFailed(
                new FunctionKey(e.leaseId(), e.functionId()), Refusal.of(e.status(), e.reason()));
        case Event.Welcome e ->
            toAgent(
                e.executorId(),
                GatewayMessage.newBuilder()
                    .setWelcome(welcome.toBuilder().addAllEndLeases(e.endLeases()))
                    .build());
        case Event.Prepare e -> {
          Lease lease = book.lease(e.leaseId());
          Slice slice = lease == null ? null : lease.slice();
          if (lease != null && slice != null) {
            toAgent(e.executorId(), messages.prepare(lease, slice, e.ttlNs()));
          }
        }
        case Event.PrepareFunction e -> prepareFunction(e);
        case Event.Extend e -> {
          Lease lease = book.lease(e.leaseId());
          if (lease != null) {
            toAgent(e.executorId(), messages.extend(lease, e.ttlNs()));
          }
        }
        case Event.End e ->
            toAgent(
                e.executorId(),
                GatewayMessage.newBuilder()
                    .setRevoke(
                        RevokeLease.newBuilder()
                            .setLeaseId(e.leaseId())
                            .setReason(e.reason())
                            .setState(e.state()))
                    .build());
        case Event.AgentSilent e -> {
          AgentLink link = links.remove(e.executorId());
          if (link != null) {
            StatusRuntimeException silent =
                Refusal.unavailable("no heartbeat came for too long: attach again").toGrpc();
            later(() -> link.close(silent));
          }
        }
      }
    }
  }

  private void tellAll(String leaseId) {
    Lease lease = book.lease(leaseId);
    if (lease == null) {
      return;
    }
    LeaseListener owner = owners.get(leaseId);
    if (owner != null) {
      tell(lease, owner);
    }
    for (LeaseListener watcher : watchers.getOrDefault(leaseId, Set.of())) {
      tell(lease, watcher);
    }
    if (!lease.ended()) {
      return;
    }
    if (owner != null) {
      disown(owner);
    }
    watchers.remove(leaseId);
    if (!awaited.isEmpty()) {
      for (FunctionSlot slot : lease.functions()) {
        functionFailed(
            new FunctionKey(leaseId, slot.id()),
            Refusal.of(
                lease.status(),
                "lease %s has ended: %s (%s)".formatted(leaseId, lease.state(), lease.reason())));
      }
    }
  }

  private void prepareFunction(Event.PrepareFunction e) {
    Lease lease = book.lease(e.leaseId());
    FunctionSlot slot = lease == null ? null : lease.function(e.functionId());
    if (slot != null) {
      toAgent(
          e.executorId(),
          GatewayMessage.newBuilder()
              .setPrepareFunction(
                  PrepareLeaseFunction.newBuilder()
                      .setLeaseId(e.leaseId())
                      .setFunction(slot.toLeaseFunction()))
              .build());
    }
  }

  private void functionReady(Event.FunctionReady e) {
    Lease lease = book.lease(e.leaseId());
    FunctionSlot slot = lease == null ? null : lease.function(e.functionId());
    var waiting = awaited.remove(new FunctionKey(e.leaseId(), e.functionId()));
    if (slot != null && waiting != null) {
      PreparedFunction prepared = slot.toPreparedFunction();
      later(() -> waiting.forEach(done -> done.complete(prepared)));
    }
  }

  private void functionFailed(FunctionKey key, Refusal refusal) {
    var waiting = awaited.remove(key);
    if (waiting != null) {
      later(() -> waiting.forEach(done -> done.completeExceptionally(refusal)));
    }
  }

  private void toAgent(String executorId, GatewayMessage message) {
    AgentLink link = links.get(executorId);
    if (link != null) {
      later(() -> link.send(message));
    }
  }

  void hangUp(StatusRuntimeException why) {
    owners.values().forEach(listener -> listener.failed(why));
    owners.clear();
    owned.clear();
    watchers.values().forEach(all -> all.forEach(listener -> listener.failed(why)));
    watchers.clear();
    links.values().forEach(link -> link.close(why));
    links.clear();
  }
}
