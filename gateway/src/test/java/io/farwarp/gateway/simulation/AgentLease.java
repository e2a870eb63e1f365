package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.MS;
import static io.farwarp.gateway.simulation.World.S;

import io.farwarp.v1.DataPathAddress;
import io.farwarp.v1.ExtendLease;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.LeaseFunction;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.PrepareLease;
import io.farwarp.v1.WorkerEndpoint;
import io.farwarp.wire.Status;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One lease at its agent, from the order to prepare it until the last of its workers is gone. */
final class AgentLease implements Worker.Outcome {
  private static final long STOP_GRACE_NS = 1 * S;
  private static final long EXPIRY_GRACE_NS = 500 * MS;
  private static final long START_LIMIT_NS = 60 * S;

  private enum Stage {
    STARTING,
    LOADING,
    READY,
    ENDING,
    GONE
  }

  private final Agent agent;
  private final int agentLife;
  private final Network network;
  private final World world;
  private final PrepareLease order;
  private final List<Worker> workers = new ArrayList<>();
  private final Set<Worker> started = new HashSet<>();
  private final Set<Worker> closed = new HashSet<>();
  private final Set<Integer> loading = new HashSet<>();
  private final Map<Integer, FunctionPrepared> loaded = new LinkedHashMap<>();
  private final long startLimitNs;
  private Stage stage = Stage.STARTING;
  private long deadlineNs;
  private long killNs;
  private int exited;
  private boolean confirmed;
  private LeaseState endState = LeaseState.FAILED;
  private String endReason = "";
  private String prepareError = "";
  private @Nullable LeasePrepared prepared;

  AgentLease(Agent agent, Network network, PrepareLease order) {
    this.agent = agent;
    this.agentLife = agent.life();
    this.network = network;
    this.world = network.world;
    this.order = order;
    this.deadlineNs = agent.clock.nowNs() + order.getTtlMs() * MS;
    this.startLimitNs = agent.clock.nowNs() + START_LIMIT_NS;
  }

  PrepareLease order() {
    return order;
  }

  List<Worker> workers() {
    return workers;
  }

  long leftMs() {
    return Math.max(0, (deadlineNs - agent.clock.nowNs()) / MS);
  }

  LeaseState endState() {
    return endState;
  }

  String endReason() {
    return endReason;
  }

  /** Why it could not be prepared; empty: it was. */
  String prepareError() {
    return prepareError;
  }

  @Nullable LeasePrepared unconfirmed() {
    return confirmed || stage != Stage.READY ? null : prepared;
  }

  void start() {
    for (int i = 0; i < order.getWorkers(); i++) {
      Worker worker = new Worker(network, agent.host, agent.clock, order, i, this);
      workers.add(worker);
      worker.start();
    }
    order.getFunctionsList().forEach(function -> load(function.getFunctionId(), true));
  }

  /** What workers say reaches the agent that started them, if it lives. */
  private void news(Runnable what) {
    if (agent.life() == agentLife) {
      agent.deliver(what);
    }
  }

  @Override
  public void started(Worker worker, String error) {
    news(() -> {
      if (stage != Stage.STARTING) {
        return;
      }
      if (!error.isEmpty()) {
        failPreparing(error);
        return;
      }
      started.add(worker);
      ExtendLease left =
          ExtendLease.newBuilder()
              .setLeaseId(order.getLeaseId())
              .setTtlMs(leftMs())
              .setExpiresAtUnixMs(order.getIssuedAtUnixMs() + order.getTtlMs())
              .build();
      worker.tell(() -> worker.extend(left));
      if (started.size() == workers.size()) {
        stage = Stage.LOADING;
        finishLoading();
      }
    });
  }

  /** Orders of one function that come while it is loaded share its answer. */
  void load(int functionId, boolean isPartOfPrepare) {
    if (stage == Stage.ENDING || stage == Stage.GONE || !loading.add(functionId)) {
      return;
    }
    agent.after(
        world.skewed(MS, 500 * MS),
        () -> {
          loading.remove(functionId);
          FunctionPrepared.Builder answer =
              FunctionPrepared.newBuilder()
                  .setLeaseId(order.getLeaseId())
                  .setFunctionId(functionId);
          if (world.chance(0.03)) {
            answer.setStatus(Status.UNSUPPORTED_CODE.name()).setError("it does not compile");
          }
          if (isPartOfPrepare) {
            loaded.put(functionId, answer.build());
            finishLoading();
          } else if (stage == Stage.READY || stage == Stage.LOADING) {
            agent.sayFunction(answer.build());
          }
        });
  }

  private void finishLoading() {
    if (stage != Stage.LOADING) {
      return;
    }
    LeasePrepared.Builder message = LeasePrepared.newBuilder().setLeaseId(order.getLeaseId());
    for (LeaseFunction function : order.getFunctionsList()) {
      FunctionPrepared answer = loaded.get(function.getFunctionId());
      if (answer == null) {
        return;
      }
      message.addFunctions(answer);
    }
    for (int i = 0; i < workers.size(); i++) {
      message.addWorkers(
          WorkerEndpoint.newBuilder()
              .setWorkerIndex(i)
              .addAddresses(
                  DataPathAddress.newBuilder()
                      .setTransport("tcp")
                      .setAddress(workers.get(i).address())));
    }
    stage = Stage.READY;
    prepared = message.build();
    agent.sayPrepared(prepared);
  }

  void extend(ExtendLease extend) {
    confirmed = true;
    deadlineNs = agent.clock.nowNs() + extend.getTtlMs() * MS;
    workers.forEach(worker -> worker.tell(() -> worker.extend(extend)));
  }

  private void failPreparing(String error) {
    if (stage == Stage.STARTING || stage == Stage.LOADING) {
      prepareError = error;
      end(LeaseState.FAILED, error);
    }
  }

  @Override
  public void ending(Worker worker, LeaseState state, String reason) {
    news(() -> end(state, reason));
  }

  @Override
  public void exited(Worker worker) {
    if (agent.life() != agentLife) {
      closeOrphan(worker);
      return;
    }
    agent.deliver(() -> {
      exited++;
      if (stage == Stage.STARTING || stage == Stage.LOADING) {
        failPreparing("a worker died");
      } else if (stage == Stage.READY) {
        end(LeaseState.FAILED, "a worker died");
      }
      checkGone();
    });
  }

  void end(LeaseState state, String reason) {
    if (stage == Stage.ENDING || stage == Stage.GONE) {
      return;
    }
    if (stage != Stage.READY && prepareError.isEmpty()) {
      prepareError = reason;
    }
    agent.note("ends %s: %s (%s)", order.getLeaseId(), state, reason);
    stage = Stage.ENDING;
    endState = state;
    endReason = reason;
    killNs = agent.clock.nowNs() + STOP_GRACE_NS;
    workers.forEach(worker -> worker.tell(() -> worker.end(state, reason)));
    checkGone();
  }

  private void checkGone() {
    if (stage == Stage.ENDING && exited == workers.size()) {
      stage = Stage.GONE;
      workers.forEach(agent.host::close);
      agent.gone(this);
    }
  }

  /** The agent is gone. */
  void orphaned(long withinNs) {
    for (Worker worker : workers) {
      if (worker.hasExited()) {
        closeOrphan(worker);
      } else {
        world.after(world.between(0, withinNs), worker::kill);
      }
    }
  }

  private void closeOrphan(Worker worker) {
    if (closed.add(worker)) {
      agent.host.close(worker);
    }
  }

  void tick() {
    long nowNs = agent.clock.nowNs();
    switch (stage) {
      case STARTING, LOADING -> {
        if (nowNs >= startLimitNs) {
          failPreparing("it was not ready in time");
        }
      }
      case READY -> {}
      case ENDING -> {
        if (nowNs >= killNs) {
          workers.forEach(Worker::kill);
        }
      }
      case GONE -> {
        return;
      }
    }
    if (nowNs >= deadlineNs + EXPIRY_GRACE_NS) {
      end(LeaseState.EXPIRED, "its time is over");
    }
  }
}
