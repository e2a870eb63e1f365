package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.MS;
import static io.farwarp.gateway.simulation.World.S;
import static io.farwarp.gateway.simulation.World.check;

import io.farwarp.gateway.book.BookLimits;
import io.farwarp.gateway.book.BookSums;
import io.farwarp.gateway.book.Command;
import io.farwarp.gateway.book.Event;
import io.farwarp.gateway.book.Executor;
import io.farwarp.gateway.book.Lease;
import io.farwarp.gateway.book.LeaseBook;
import io.farwarp.gateway.book.Slice;
import io.farwarp.gateway.simulation.ClientCall.Answer;
import io.farwarp.v1.HeldLease;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.PrepareLease;
import io.farwarp.v1.StoredLease;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What holds at every step: what the gateway decides is held against what the hosts really hold,
 * what the store would remember, and what holders were promised.
 */
final class Checks {
  /** Heartbeats that are missed, and the longest delays: who was well for longer is not silent. */
  private static final long CALM_NS = 6 * S;

  /**
   * Times are told in milliseconds, clocks drift, and a gateway's wall clock jumps at its start.
   */
  private static final long PROMISE_SLACK_NS = 2 * GatewayHost.WALL_ERROR_MS * MS + 50 * MS;

  /** A renewal in the last moment may reach the gateway in time and the worker too late. */
  private static final long LATE_RENEWAL_NS = 1 * S;

  private final World world;
  private final Map<String, Agent> agents = new HashMap<>();

  /** Of this run of the gateway. */
  private final Map<String, LeaseState> states = new HashMap<>();

  /** Until when, in the world's time, a holder was told to have it. */
  private final Map<String, Long> promisedNs = new HashMap<>();

  /** Until when, in the world's time, an agent has said that it may hold a lease. */
  private final Map<String, Long> saidNs = new HashMap<>();

  private record Heard(long openedNs, long atNs) {}

  /** By executor, in this run of the gateway. */
  private final Map<String, Heard> heard = new HashMap<>();

  private final Set<Class<?>> seen = new HashSet<>();
  private long gatewayDisturbedUntilNs;
  private @Nullable LeaseBook book;
  private long bookNowNs;
  private boolean starting;
  private boolean changed;

  Checks(World world) {
    this.world = world;
  }

  void add(Agent agent) {
    agents.put(agent.name, agent);
  }

  /** The gateway's, as of its last step; null: it has made none. */
  @Nullable LeaseBook book() {
    return book;
  }

  /** Kinds of commands and events that there were. */
  Set<Class<?>> seen() {
    return seen;
  }

  void gatewayDisturbed(long forNs) {
    gatewayDisturbedUntilNs = Math.max(gatewayDisturbedUntilNs, world.nowNs() + forNs);
  }

  void gatewayStarts() {
    starting = true;
    states.clear();
    heard.clear();
    bookNowNs = Long.MIN_VALUE;
    gatewayDisturbed(0);
  }

  void gatewayStarted() {
    starting = false;
  }

  private boolean calm(String executorId) {
    Agent agent = agents.get(executorId);
    return agent != null
        && agent.calm(CALM_NS)
        && gatewayDisturbedUntilNs + CALM_NS < world.nowNs();
  }

  // What the book does

  /** Before anyone is told of it. */
  void applied(LeaseBook book, Command command, long nowNs, List<Event> events) {
    check(starting || nowNs >= bookNowNs, "time goes back from %d to %d ns", bookNowNs, nowNs);
    this.book = book;
    bookNowNs = nowNs;
    seen.add(command.getClass());
    if (command instanceof Command.Restore restore) {
      String leaseId = restore.stored().getLeaseId();
      states.put(leaseId, require(book, leaseId).state());
    }
    if (starting) {
      return;
    }
    if (!(command instanceof Command.Heartbeats || command instanceof Command.Tick)) {
      world.note("book", "%s", command);
      changed = true;
    }
    if (command instanceof Command.AgentDetached detached) {
      heard.remove(detached.executorId()); // what came with the end of the stream may not count
    }
    if (command instanceof Command.AgentAttached attached
        && events.stream().anyMatch(Event.Welcome.class::isInstance)) {
      for (HeldLease held : attached.hello().getHeldList()) {
        saidNs.put(held.getLeaseId(), world.nowNs() + held.getTtlMs() * MS);
      }
    }
    for (Event event : events) {
      changed = true;
      seen.add(event.getClass());
      switch (event) {
        case Event.StateChanged e -> stateChanged(book, command, e);
        case Event.SliceFreed e -> sliceFreed(book, e);
        case Event.Renewed e -> renewed(e);
        case Event.Queued e -> inState(e.leaseId(), LeaseState.QUEUED, e);
        case Event.Prepare e -> inState(e.leaseId(), LeaseState.PREPARING, e);
        case Event.Accepted _,
            Event.Refused _,
            Event.FunctionAllotted _,
            Event.FunctionReady _,
            Event.FunctionFailed _,
            Event.TenantChanged _,
            Event.CordonChanged _,
            Event.Welcome _,
            Event.PrepareFunction _,
            Event.Extend _,
            Event.End _ -> {}
        case Event.AgentSilent e -> silent(e.executorId());
      }
      world.note("book", "  %s", event);
    }
  }

  /** A heartbeat has come to the gateway, on a stream that was opened then. */
  void heard(Agent agent, long openedNs) {
    Heard before = heard.get(agent.name);
    if (before == null || openedNs >= before.openedNs) {
      heard.put(agent.name, new Heard(openedNs, world.nowNs()));
    }
  }

  private void silent(String executorId) {
    Heard last = heard.get(executorId);
    check(
        last == null
            || gatewayDisturbedUntilNs + CALM_NS >= world.nowNs()
            || world.nowNs() - last.atNs >= 2 * GatewayHost.LIMITS.heartbeatNs(),
        "%s is called silent, and was heard on its last stream %d ms ago",
        executorId,
        last == null ? 0 : (world.nowNs() - last.atNs) / MS);
  }

  private LeaseState state(String leaseId) {
    return states.getOrDefault(leaseId, LeaseState.QUEUED);
  }

  private void inState(String leaseId, LeaseState state, Event event) {
    check(state(leaseId) == state, "%s comes to a lease that is %s", event, state(leaseId));
  }

  private void renewed(Event.Renewed e) {
    check(usable(state(e.leaseId())), "%s, which is %s", e, state(e.leaseId()));
  }

  private void stateChanged(LeaseBook book, Command command, Event.StateChanged e) {
    LeaseState before = state(e.leaseId());
    boolean allowed =
        switch (before) {
          case QUEUED -> e.state() == LeaseState.PREPARING || Client.isEnd(e.state());
          case PREPARING -> e.state() == LeaseState.ACTIVE || Client.isEnd(e.state());
          case ACTIVE -> e.state() == LeaseState.EXPIRING || Client.isEnd(e.state());
          case EXPIRING -> e.state() == LeaseState.EXPIRING || Client.isEnd(e.state());
          case RELEASED, EXPIRED, REVOKED, LOST, FAILED -> false;
          case LEASE_STATE_UNSPECIFIED, UNRECOGNIZED -> false;
        };
    check(allowed, "%s goes from %s to %s", e.leaseId(), before, e.state());
    states.put(e.leaseId(), e.state());
    Lease lease = book.lease(e.leaseId());
    if (lease != null && e.state() == LeaseState.EXPIRING) {
      // Whether its holder is there to be told or not.
      long leftNs = lease.deadlineNs() - bookNowNs;
      promisedNs.computeIfPresent(
          e.leaseId(), (_, untilNs) -> Math.min(untilNs, world.nowNs() + leftNs));
    }
    if (lease != null && usable(before) && Client.isEnd(e.state())) {
      ended(lease, command, e);
    }
  }

  private static Lease require(LeaseBook book, String leaseId) {
    Lease lease = book.lease(leaseId);
    check(lease != null, "%s is not in the book", leaseId);
    return lease;
  }

  private void ended(Lease lease, Command command, Event.StateChanged e) {
    Slice slice = lease.slice();
    String executorId = slice == null ? "" : slice.executorId();
    boolean timeAlone =
        switch (command) {
          case Command.Release _,
              Command.Revoke _,
              Command.Drain _,
              Command.Ended _,
              Command.Prepared _,
              Command.AgentAttached _ ->
              false;
          case Command.Request _,
              Command.Renew _,
              Command.PrepareFunction _,
              Command.Heartbeats _,
              Command.AgentDraining _,
              Command.DeviceState _,
              Command.Cordon _,
              Command.Uncordon _,
              Command.SetTenant _,
              Command.RestoreTenant _,
              Command.RestoreCordon _,
              Command.AgentDetached _,
              Command.FunctionAnswered _,
              Command.Restore _,
              Command.Tick _ ->
              true;
        };
    if (e.state() == LeaseState.LOST) {
      check(!calm(executorId), "%s is LOST, and all was well with %s", lease.id(), executorId);
    } else if (timeAlone || (e.state() == LeaseState.EXPIRED && calm(executorId))) {
      long leftNs = promisedNs.getOrDefault(lease.id(), 0L) - world.nowNs();
      check(
          leftNs <= PROMISE_SLACK_NS,
          "%s ends as %s, and its holder was promised %d ms more",
          lease.id(),
          e.state(),
          leftNs / MS);
    }
  }

  private static boolean usable(LeaseState state) {
    return state == LeaseState.ACTIVE || state == LeaseState.EXPIRING;
  }

  /**
   * It may be granted again: nobody has it any more, or its agent was given all the time that it
   * could have, and has to say what it holds before it is given anything.
   */
  private void sliceFreed(LeaseBook book, Event.SliceFreed e) {
    Lease lease = book.lease(e.leaseId());
    for (Agent agent : agents.values()) {
      List<Worker> holding = agent.host.holding(e.leaseId());
      if (!holding.isEmpty()) {
        boolean hereToo = agent.name.equals(e.slice().executorId());
        check(
            hereToo
                && lease != null
                && bookNowNs >= lease.holdUntilNs()
                && world.nowNs() + 50 * MS >= saidNs.getOrDefault(e.leaseId(), 0L)
                && (isAway(book, agent) || !calm(agent.name)),
            "%s of %s is free, and %s hold it",
            e.leaseId(),
            e.slice().executorId(),
            holding);
      }
    }
  }

  private static boolean isAway(LeaseBook book, Agent agent) {
    Executor executor = book.executor(agent.name);
    return executor == null || Set.of("silent", "detached").contains(executor.stateText());
  }

  // After each turn of its thread

  void afterTurn() {
    LeaseBook book = this.book;
    if (book == null) {
      return;
    }
    check(book.nextDueNs() > bookNowNs, "the book has something to do at once, for ever");
    if (changed) {
      changed = false;
      BookSums.check(book);
      oneLeasePerRequest(book);
      book.leases().forEach(this::notOverdue);
    }
  }

  /** Whatever a lease waits for has its end. */
  private void notOverdue(Lease lease) {
    long dueNs =
        switch (lease.state()) {
          case QUEUED -> lease.requestedNs() + lease.spec().request().getWaitMs() * MS;
          case PREPARING -> lease.requestedNs() + lease.queuedNs() + GatewayHost.LIMITS.prepareNs();
          case ACTIVE, EXPIRING -> lease.deadlineNs();
          case RELEASED, EXPIRED, REVOKED, LOST, FAILED ->
              lease.held() ? lease.holdUntilNs() : Long.MAX_VALUE;
          case LEASE_STATE_UNSPECIFIED, UNRECOGNIZED -> Long.MIN_VALUE;
        };
    check(
        dueNs > bookNowNs,
        "%s is %s, and has been overdue for %d ms",
        lease.id(),
        lease.state(),
        (bookNowNs - dueNs) / MS);
  }

  private static void oneLeasePerRequest(LeaseBook book) {
    Map<Object, Lease> open = new HashMap<>();
    for (Lease lease : book.leases()) {
      if (!lease.ended()) {
        Lease other =
            open.put(List.of(lease.tenant(), lease.spec().request().getRequestId()), lease);
        check(other == null, "%s and %s are for one request", lease.id(), other);
      }
    }
  }

  // What is told

  /** The gateway has let out that the lease is ACTIVE. */
  void decidedActive(LeaseEvent event, Disk disk) {
    remembered(event.getLeaseId(), 0, event.getState(), disk);
    promise(event.getLeaseId(), event.getLease().getTtlMs());
  }

  void answered(Answer answer, Disk disk) {
    switch (answer) {
      case Answer.State a -> {
        String leaseId = a.event().getLeaseId();
        switch (a.event().getState()) {
          case QUEUED, PREPARING -> {}
          case ACTIVE, EXPIRING -> remembered(leaseId, 0, a.event().getState(), disk);
          case RELEASED, EXPIRED, REVOKED, LOST, FAILED -> {
            forgotten(leaseId, disk);
            promisedNs.remove(leaseId);
          }
          case LEASE_STATE_UNSPECIFIED, UNRECOGNIZED -> check(false, "a lease is told to be %s", a);
        }
      }
      case Answer.Renewed a -> {
        LeaseToken token = a.token();
        remembered(token.getLeaseId(), token.getRenewal(), LeaseState.ACTIVE, disk);
        promise(token.getLeaseId(), a.lease().getTtlMs());
      }
      case Answer.Granted _, Answer.Prepared _, Answer.Done _ -> {}
    }
  }

  void released(String leaseId, Disk disk) {
    forgotten(leaseId, disk);
  }

  private void promise(String leaseId, long ttlMs) {
    Long untilNs = promisedNs.get(leaseId);
    if (state(leaseId) == LeaseState.ACTIVE
        && (untilNs == null || untilNs - world.nowNs() >= LATE_RENEWAL_NS)) {
      promisedNs.put(leaseId, world.nowNs() + ttlMs * MS);
    }
  }

  private void remembered(String leaseId, int renewal, LeaseState state, Disk disk) {
    StoredLease stored = disk.lease(leaseId);
    check(
        disk.isFailing()
            || !usable(state(leaseId)) // it has ended since, which goes out behind this
            || (stored != null && stored.getRenewal() >= renewal),
        "%s is told to be %s, renewal %d, and the store has %s",
        leaseId,
        state,
        renewal,
        stored);
  }

  private void forgotten(String leaseId, Disk disk) {
    check(
        disk.isFailing() || disk.lease(leaseId) == null,
        "%s is told to have ended, and the store has it",
        leaseId);
  }

  /** The gateway ends an agent's stream of that age. */
  void streamEnds(Agent agent, long ageNs, String why) {
    check(
        ageNs + 10 * MS >= BookLimits.MISSED_HEARTBEATS * GatewayHost.LIMITS.heartbeatNs()
            || !why.contains("heartbeat"),
        "a stream of %s that is %d ms old is ended: %s",
        agent.name,
        ageNs / MS,
        why);
  }

  /** An agent refuses what the gateway took for free. */
  void hasNoRoom(Agent agent, PrepareLease order, String why) {
    check(
        !calm(agent.name),
        "%s has no room for %s, and all was well with it: %s",
        agent.name,
        order.getLeaseId(),
        why);
  }
}
