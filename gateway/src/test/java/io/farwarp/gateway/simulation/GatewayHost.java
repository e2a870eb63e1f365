package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.MS;
import static io.farwarp.gateway.simulation.World.S;

import io.farwarp.gateway.SimulatedGateway;
import io.farwarp.gateway.SimulatedGateway.AgentAnswers;
import io.farwarp.gateway.SimulatedGateway.AgentCall;
import io.farwarp.gateway.SimulatedGateway.Answers;
import io.farwarp.gateway.SimulatedGateway.DoneAnswers;
import io.farwarp.gateway.SimulatedGateway.FunctionAnswers;
import io.farwarp.gateway.SimulatedGateway.LeaseAnswers;
import io.farwarp.gateway.SimulatedGateway.OpenCall;
import io.farwarp.gateway.SimulatedGateway.RenewAnswers;
import io.farwarp.gateway.book.BookLimits;
import io.farwarp.gateway.simulation.ClientCall.Answer;
import io.farwarp.gateway.simulation.Connection.End;
import io.farwarp.v1.AgentMessage;
import io.farwarp.v1.GatewayMessage;
import io.farwarp.v1.Lease;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.PreparedFunction;
import org.jspecify.annotations.Nullable;

/** The host of the gateway: one process after the other, a disk, and a wall clock that jumps. */
final class GatewayHost extends Party {
  static final BookLimits LIMITS =
      new BookLimits(1 * S, 5 * S, 10 * S, 5 * S, 2 * S, 12, 6, 40, 20);

  /** How far the wall clock may be from the right time, on either side. */
  static final long WALL_ERROR_MS = 1_000;

  private static final long EPOCH_MS = 1_800_000_000_000L;

  private final Network network;
  private final SimulatedGateway.Shared shared;
  private final Checks checks;
  final Disk disk;
  private @Nullable SimulatedGateway process;
  private Fuse fuse = new Fuse();
  private long lastTickNs = Long.MIN_VALUE;
  private long turns;
  private long turnAtNs = Long.MAX_VALUE;
  private int leases;

  GatewayHost(Network network, SimulatedGateway.Shared shared, Checks checks) {
    super(network.world, "gateway", new HostClock(network.world));
    this.network = network;
    this.shared = shared;
    this.checks = checks;
    this.disk = new Disk(world);
  }

  void start() {
    long wallErrorMs = world.between(-WALL_ERROR_MS, WALL_ERROR_MS);
    fuse = new Fuse();
    note("starts; its wall clock is %d ms off", wallErrorMs);
    checks.gatewayStarts();
    Fuse mine = fuse;
    process =
        new SimulatedGateway(
            LIMITS,
            this::tickNs,
            EPOCH_MS + world.nowNs() / MS + wallErrorMs,
            disk.openedBy(fuse),
            shared,
            (book, command, nowNs, events) -> {
              if (!mine.isBlown()) {
                checks.applied(book, command, nowNs, events);
              }
            });
    checks.gatewayStarted();
    planTurn(0);
  }

  /** It advances a little with each look. */
  private long tickNs() {
    lastTickNs = Math.max(lastTickNs + 100, clock.nowNs());
    return lastTickNs;
  }

  boolean isUp() {
    return process != null;
  }

  /** It dies at the {@code things}-th transaction or message from now. */
  void dieSoon(long things) {
    fuse.set(things);
  }

  void die() {
    if (process != null) {
      note("dies");
      process = null;
      var open = network.connectionsOf(this);
      endLife();
      turnAtNs = Long.MAX_VALUE;
      open.forEach(connection -> connection.died(this));
      checks.gatewayDisturbed(0);
      world.after(world.skewed(100 * MS, 6 * S), this::start);
    }
  }

  /** As an operator does: calls and streams are ended in order, and then the process. */
  void restart() {
    if (process != null) {
      note("is told to stop");
      process.hangUp();
      turn();
      die();
    }
  }

  @Override
  void pause(long ns) {
    super.pause(ns);
    checks.gatewayDisturbed(ns);
  }

  private void planTurn(long delayNs) {
    long atNs = world.nowNs() + clock.worldNs(delayNs);
    if (process != null && atNs < turnAtNs) {
      turnAtNs = atNs;
      long number = ++turns;
      world.at(
          atNs,
          () ->
              deliver(() -> {
                if (number == turns) {
                  turn();
                }
              }));
    }
  }

  /** Something has come in. */
  private void wake() {
    planTurn(world.between(0, MS));
  }

  private void turn() {
    turnAtNs = Long.MAX_VALUE;
    SimulatedGateway running = process;
    if (running == null) {
      return;
    }
    long pauseNs = running.work();
    if (fuse.isBlown()) {
      die();
    } else {
      checks.afterTurn();
      planTurn(pauseNs);
    }
  }

  // Agents

  Connection<AgentMessage, GatewayMessage> attach(Agent agent, End<GatewayMessage> end) {
    AgentEnd mine = new AgentEnd(agent);
    var connection = new Connection<>(network, agent, this, end, mine);
    SimulatedGateway running = process;
    if (running == null) {
      connection.breakDown();
    } else {
      mine.call =
          running.attach(
              "agent-of-" + agent.name,
              new AgentAnswers() {
                @Override
                public void message(GatewayMessage message) {
                  if (fuse.passes()) {
                    note("to %s: %s", agent, message);
                    connection.answer(message);
                  }
                }

                @Override
                public void failed(String why) {
                  if (fuse.passes()) {
                    checks.streamEnds(agent, world.nowNs() - mine.openedNs, why);
                    note("ends the stream of %s: %s", agent, why);
                    connection.complete(why);
                  }
                }
              });
      after(10 * S, mine::helloIsLate);
    }
    return connection;
  }

  private final class AgentEnd implements End<AgentMessage> {
    private final Agent agent;
    private final long openedNs = world.nowNs();
    private @Nullable AgentCall call;

    AgentEnd(Agent agent) {
      this.agent = agent;
    }

    @Override
    public void message(AgentMessage message) {
      if (call != null) {
        if (message.hasHeartbeat()) {
          checks.heard(agent, openedNs);
        }
        call.message(message);
        wake();
      }
    }

    @Override
    public void ended(String why) {
      if (call != null) {
        call.gone();
        wake();
      }
    }

    void helloIsLate() {
      if (call != null) {
        call.helloIsLate();
        wake();
      }
    }
  }

  // Clients and operators

  /** The call itself is on its way when this returns. */
  Connection<ClientCall, Answer> call(Party client, ClientCall what, End<Answer> end) {
    CallEnd mine = new CallEnd();
    var connection = new Connection<>(network, client, this, end, mine);
    mine.connection = connection;
    if (process == null) {
      connection.breakDown();
    } else {
      connection.send(what);
    }
    return connection;
  }

  private final class CallEnd
      implements End<ClientCall>,
          LeaseAnswers,
          RenewAnswers,
          FunctionAnswers,
          DoneAnswers,
          Answers {
    private @Nullable Connection<ClientCall, Answer> connection;
    private @Nullable OpenCall call;
    private String released = "";
    private boolean over;

    @Override
    public void message(ClientCall what) {
      SimulatedGateway running = process;
      if (running == null) {
        return;
      }
      switch (what) {
        case ClientCall.Acquire c ->
            call = running.acquire("L-" + ++leases, c.tenant(), c.request(), this);
        case ClientCall.Watch c -> call = running.watch(c.leaseId(), c.tenant(), this);
        case ClientCall.Renew c -> running.renew(c.leaseId(), c.tenant(), c.durationNs(), this);
        case ClientCall.Release c -> {
          released = c.leaseId();
          running.release(c.leaseId(), c.tenant(), this);
        }
        case ClientCall.PrepareFunction c ->
            call = running.prepareFunction(c.leaseId(), c.tenant(), c.reference(), this);
        case ClientCall.Operate c -> running.operate(c.command(), this);
      }
      wake();
    }

    @Override
    public void ended(String why) {
      if (call != null && !over) {
        over = true;
        call.gone();
        wake();
      }
    }

    private void answer(Answer answer) {
      if (fuse.passes() && connection != null) {
        checks.answered(answer, disk);
        note("answers: %s", answer);
        connection.answer(answer);
      }
    }

    private void close(String why) {
      over = true;
      if (fuse.passes() && connection != null) {
        connection.complete(why);
        if (call != null) {
          call.closed();
          wake();
        }
      }
    }

    @Override
    public void event(LeaseEvent event) {
      answer(new Answer.State(event));
    }

    /** For whom acquires; what signs the tokens takes its time, on a thread of its own. */
    @Override
    public void active(LeaseEvent event, LeaseToken token) {
      if (fuse.isBlown()) {
        return;
      }
      checks.decidedActive(event, disk);
      after(
          world.skewed(0, 20 * MS),
          () -> {
            if (!over) {
              answer(new Answer.Granted(event.getLease(), token));
              close("granted");
            }
          });
    }

    @Override
    public void completed() {
      close("it has ended");
    }

    @Override
    public void renewed(Lease lease, LeaseToken token) {
      answer(new Answer.Renewed(lease, token));
      close("renewed");
    }

    @Override
    public void prepared(PreparedFunction function) {
      answer(new Answer.Prepared(function));
      close("prepared");
    }

    @Override
    public void done() {
      if (!released.isEmpty()) {
        checks.released(released, disk);
      }
      answer(new Answer.Done());
      close("done");
    }

    @Override
    public void failed(String why) {
      note("refuses: %s", why);
      close(why);
    }
  }
}
