package io.farwarp.gateway.book;

import static io.farwarp.gateway.book.BookFixture.bytes;
import static io.farwarp.gateway.book.BookFixture.checkBook;
import static io.farwarp.gateway.book.BookFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.LeaseState;
import io.farwarp.v1.StoredLease;
import io.farwarp.v1.TenantPolicy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Random histories of a book with agents that delay, hang, crash and lose their streams, and a
 * gateway that restarts. After every step no host holds more than it has, no lease is in two
 * places; in the end every request has ended. A failure names its seed.
 */
class LeaseBookHistoryTest {
  private static final int HISTORIES = 300;
  private static final int STEPS = 400;
  private static final int AGENTS = 3;

  @Test
  void every_history_keeps_the_books_promises() {
    for (long seed = 1; seed <= HISTORIES; seed++) {
      try {
        new History(seed).run();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  private static final class History {
    private final Random random;
    private final List<SimulatedAgent> agents = new ArrayList<>();
    private final Map<String, LeaseState> states = new LinkedHashMap<>();
    private LeaseBook book = new LeaseBook(BookFixture.LIMITS);
    private long nowNs = 1;
    private int requests;

    History(long seed) {
      random = new Random(seed);
      for (int i = 0; i < AGENTS; i++) {
        agents.add(new SimulatedAgent("agent-" + i));
      }
    }

    void run() {
      for (int step = 0; step < STEPS; step++) {
        step();
        check();
      }
      settle();
    }

    private void step() {
      SimulatedAgent agent = agents.get(random.nextInt(AGENTS));
      int dice = random.nextInt(100);
      if (dice < 30) {
        pass(random.nextInt(2_000));
      } else if (dice < 45) {
        ask();
      } else if (dice < 52) {
        withLease(id -> apply(new Command.Release(id, "released")));
      } else if (dice < 58) {
        long durationNs = TimeUnit.SECONDS.toNanos(1 + random.nextInt(30));
        withLease(id -> apply(new Command.Renew(id, durationNs)));
      } else if (dice < 85) {
        talk(agent);
      } else if (dice < 90) {
        connect(agent);
      } else if (dice < 93) {
        cut(agent);
      } else if (dice < 95) {
        agent.hungUntilNs = nowNs + TimeUnit.MILLISECONDS.toNanos(random.nextInt(15_000));
      } else if (dice < 97) {
        crash(agent);
      } else if (dice < 98) {
        restartGateway();
      } else if (random.nextInt(4) == 0) {
        operate(agent);
      } else if (!agent.held.isEmpty()) {
        agent.end(agent.held.keySet().iterator().next(), LeaseState.FAILED);
      }
    }

    private void operate(SimulatedAgent agent) {
      switch (random.nextInt(4)) {
        case 0 -> apply(new Command.Cordon(agent.id, "cordoned"));
        case 1 -> apply(new Command.Uncordon(agent.id));
        case 2 ->
            apply(
                new Command.Drain(
                    agent.id, TimeUnit.MILLISECONDS.toNanos(random.nextInt(5_000)), "drained"));
        default ->
            apply(
                new Command.SetTenant(
                    TenantPolicy.newBuilder()
                        .setTenant("tenant-" + random.nextInt(3))
                        .setWeight(1 + random.nextInt(3))
                        .setMaxLeases(random.nextInt(4))
                        .setMaxWindowBytes(random.nextInt(100) * BookFixture.MIB)
                        .setMaxDeviceSeconds(random.nextInt(100))
                        .setMaxRequestsPerSecond(random.nextInt(4))
                        .build(),
                    random.nextBoolean()));
      }
    }

    private void ask() {
      String id = "L-" + ++requests;
      apply(
          new Command.Request(
              id,
              "tenant-" + random.nextInt(3),
              new LeaseSpec(
                  request(2 + random.nextInt(40), 1 + random.nextInt(1000))
                      .setRequestId(bytes(16, requests))
                      .setWorkers(1 + random.nextInt(4))
                      .setPreemptible(random.nextBoolean())
                      .setDurationMs(1_000 + random.nextInt(30_000))
                      .setWaitMs(random.nextInt(20_000))
                      .build()),
              List.of()));
    }

    private void withLease(Consumer<String> action) {
      if (requests > 0) {
        action.accept("L-" + (1 + random.nextInt(requests)));
      }
    }

    /** Time passes; who is well sends heartbeats and looks at its clock. */
    private void pass(int ms) {
      for (int passed = 0; passed < ms; passed += 500) {
        nowNs += TimeUnit.MILLISECONDS.toNanos(Math.min(500, ms - passed));
        for (SimulatedAgent agent : agents) {
          if (!agent.hung(nowNs)) {
            agent.enforceDeadlines(nowNs);
            if (agent.connected) {
              apply(new Command.Heartbeats(Map.of(agent.id, nowNs)));
            }
          }
        }
        apply(new Command.Tick());
      }
    }

    /** One message is read, one is delivered. */
    private void talk(SimulatedAgent agent) {
      if (agent.hung(nowNs)) {
        return;
      }
      if (!agent.inbox.isEmpty()) {
        agent.read(book, nowNs, random.nextInt(10) == 0);
      }
      if (random.nextInt(4) == 0) {
        agent.finishOne();
      }
      Command said = agent.outbox.poll();
      if (said != null && agent.connected) {
        apply(said);
      }
    }

    private void connect(SimulatedAgent agent) {
      if (!agent.hung(nowNs)) {
        // What came before its old stream ended is read first.
        while (!agent.inbox.isEmpty()) {
          agent.read(book, nowNs, false);
        }
        agent.cut();
        agent.connected = true;
        apply(new Command.AgentAttached("agent", agent.hello(nowNs)));
      }
    }

    private void cut(SimulatedAgent agent) {
      boolean noticed = agent.connected && random.nextBoolean();
      agent.cut();
      if (noticed) {
        apply(new Command.AgentDetached(agent.id, agent.hello(nowNs).getIncarnation()));
      }
    }

    private void crash(SimulatedAgent agent) {
      boolean noticed = agent.connected && random.nextBoolean();
      var incarnation = agent.hello(nowNs).getIncarnation();
      agent.crash();
      if (noticed) {
        apply(new Command.AgentDetached(agent.id, incarnation));
      }
    }

    /** All that is not ACTIVE is gone; so are all streams. */
    private void restartGateway() {
      LeaseBook before = book;
      book = new LeaseBook(BookFixture.LIMITS);
      states.clear();
      agents.forEach(SimulatedAgent::cut);
      for (Lease lease : before.leases()) {
        Slice slice = lease.slice();
        if (lease.usable() && slice != null) {
          StoredLease.Builder stored =
              StoredLease.newBuilder()
                  .setLeaseId(lease.id())
                  .setTenant(lease.tenant())
                  .setRequest(lease.spec().request())
                  .setExecutorId(slice.executorId())
                  .setDeviceId(slice.deviceId())
                  .setAgent("agent")
                  .setRenewal(lease.renewal());
          if (lease.state() == LeaseState.EXPIRING) {
            stored.setExpiresAs(lease.endsAs());
          }
          states.put(lease.id(), lease.state());
          apply(
              new Command.Restore(
                  stored.build(),
                  lease.requestedNs(),
                  lease.activeNs(),
                  lease.deadlineNs(),
                  lease.holdUntilNs()));
        }
      }
    }

    private void apply(Command command) {
      for (Event event : book.apply(command, nowNs)) {
        switch (event) {
          case Event.StateChanged e -> changed(e);
          case Event.AgentSilent e -> agent(e.executorId()).connected = false;
          case Event.Welcome e -> send(e.executorId(), e);
          case Event.Prepare e -> send(e.executorId(), e);
          case Event.Extend e -> send(e.executorId(), e);
          case Event.End e -> send(e.executorId(), e);
          default -> {}
        }
      }
    }

    /** No lease leaves an end, and none skips its preparation. */
    private void changed(Event.StateChanged e) {
      LeaseState before = states.getOrDefault(e.leaseId(), LeaseState.QUEUED);
      boolean allowed =
          switch (before) {
            case QUEUED -> e.state() != LeaseState.ACTIVE;
            case PREPARING, ACTIVE -> e.state() != LeaseState.QUEUED && e.state() != before;
            case EXPIRING -> e.state() == before || Lease.ended(e.state());
            default -> false;
          };
      assertTrue(allowed, e.leaseId() + ": " + before + " to " + e.state());
      states.put(e.leaseId(), e.state());
    }

    private SimulatedAgent agent(String executorId) {
      return agents.stream().filter(a -> a.id.equals(executorId)).findFirst().orElseThrow();
    }

    private void send(String executorId, Event event) {
      SimulatedAgent agent = agent(executorId);
      if (agent.connected) {
        agent.inbox.add(event);
      }
    }

    private void check() {
      checkBook(book);
      Set<String> somewhere = new HashSet<>();
      for (SimulatedAgent agent : agents) {
        for (String leaseId : agent.held.keySet()) {
          assertTrue(somewhere.add(leaseId), leaseId + " is on two hosts");
        }
      }
    }

    /** With all agents well and no one asking any more, everything ends and is free. */
    private void settle() {
      agents.forEach(agent -> agent.hungUntilNs = 0);
      agents.forEach(this::connect);
      agents.forEach(agent -> apply(new Command.Uncordon(agent.id)));
      for (int i = 0; i < 500; i++) {
        agents.forEach(agent -> {
          while (agent.busy()) {
            talk(agent);
          }
        });
        pass(500);
        check();
      }
      Map<String, Integer> left = new HashMap<>();
      for (Lease lease : book.leases()) {
        if (!lease.ended() || lease.held()) {
          left.merge(lease.id() + " " + lease.state(), 1, Integer::sum);
        }
      }
      assertEquals(Map.of(), left);
      for (Executor executor : book.executors()) {
        assertEquals(0, executor.usedBytes(), executor.id());
      }
    }
  }
}
