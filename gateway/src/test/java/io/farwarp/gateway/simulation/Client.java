package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.MS;
import static io.farwarp.gateway.simulation.World.S;

import com.google.protobuf.ByteString;
import io.farwarp.gateway.simulation.ClientCall.Answer;
import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.DeviceClass;
import java.nio.ByteBuffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A program of some tenant's: it asks for leases, one after the other and side by side, uses those
 * that it gets, and forgets all of it when it dies.
 */
final class Client extends Party {
  /** Functions that each tenant has: "f:1" and so on. */
  static final int FUNCTIONS = 3;

  private static final int TRIES = 4;

  final String tenant;
  private final Network network;
  private final GatewayHost gateway;
  private final Map<String, Agent> agents;
  private final ByteString publicKey;
  private long requests;

  /** What has begun and is not over. */
  private int open;

  private boolean quiet;

  Client(
      Network network,
      GatewayHost gateway,
      Map<String, Agent> agents,
      String name,
      String tenant,
      ByteString publicKey) {
    super(network.world, name, new HostClock(network.world));
    this.network = network;
    this.gateway = gateway;
    this.agents = agents;
    this.tenant = tenant;
    this.publicKey = publicKey;
  }

  void start() {
    after(world.between(0, 3 * S), this::askMore);
  }

  private void askMore() {
    if (!quiet) {
      new Wanted(request()).send();
      after(world.skewed(100 * MS, 10 * S), this::askMore);
    }
  }

  /** It asks for nothing more. */
  void beQuiet() {
    quiet = true;
  }

  /** It waits for nothing, holds nothing. */
  boolean isDone() {
    return open == 0;
  }

  void die() {
    note("dies");
    var connections = network.connectionsOf(this);
    endLife();
    connections.forEach(connection -> connection.died(this));
    open = 0;
    world.after(world.between(100 * MS, 4 * S), this::start);
  }

  void begins() {
    open++;
  }

  void ends() {
    open--;
  }

  private AcquireRequest request() {
    AcquireRequest.Builder request =
        AcquireRequest.newBuilder()
            .setRequestId(
                ByteString.copyFrom(
                    ByteBuffer.allocate(16).putLong(name.hashCode()).putLong(++requests).array()))
            .setClientPublicKey(publicKey)
            .setDeviceClass(
                switch (world.below(4)) {
                  case 0 -> DeviceClass.CUDA;
                  case 1 -> DeviceClass.PTX_CPU;
                  default -> DeviceClass.ANY;
                })
            .setWindowBytes(Host.PAGE_BYTES * world.skewed(1, 16))
            .setShareMillis((int) world.between(40, 1000))
            .setWorkers((int) world.skewed(1, 4))
            .setDurationMs(world.between(1_000, 12_000))
            .setWaitMs(world.chance(0.2) ? 0 : world.between(100, 15_000))
            .setPriority(world.below(10))
            .setPreemptible(world.chance(0.5));
    for (int version = 1; version <= FUNCTIONS; version++) {
      if (world.chance(0.1)) {
        request.addFunctions("f:" + version);
      }
    }
    return request.build();
  }

  Connection<ClientCall, Answer> call(ClientCall what, Connection.End<Answer> end) {
    note("%s", what);
    return gateway.call(this, what, end);
  }

  /** The worker at an address that a lease names; null: there is none any more. */
  @Nullable Worker at(String address) {
    String[] parts = address.split(" ");
    Agent agent = agents.get(parts[0]);
    return agent == null ? null : agent.host.worker(parts[1]);
  }

  /** A request, which may be sent again when its call breaks, or while it has not been answered. */
  private final class Wanted {
    private final AcquireRequest request;
    private int tries;
    private int calls;
    private boolean over;

    Wanted(AcquireRequest request) {
      this.request = request;
      begins();
    }

    void send() {
      if (over) {
        return;
      }
      tries++;
      calls++;
      var call =
          call(
              new ClientCall.Acquire(tenant, request),
              new Connection.End<>() {
                @Override
                public void message(Answer answer) {
                  take(answer);
                }

                @Override
                public void ended(String why) {
                  callEnded();
                }
              });
      if (world.chance(0.1)) {
        after(world.skewed(0, 8 * S), () -> cancel(call));
      }
      if (world.chance(0.1) && tries < TRIES) {
        after(world.skewed(0, S), this::send);
      }
    }

    private void cancel(Connection<ClientCall, Answer> call) {
      if (!over && !call.isOverForCaller()) {
        note("cancels the request");
        call.cancel();
        callEnded();
      }
    }

    /** Someone else may be answered, or it is tried again. */
    private void callEnded() {
      calls--;
      if (calls > 0 || over) {
        return;
      }
      if (tries < TRIES && !quiet && world.chance(0.8)) {
        after(world.skewed(20 * MS, 2 * S), this::send);
      } else {
        finish();
      }
    }

    private void finish() {
      if (!over) {
        over = true;
        ends();
      }
    }

    private void take(Answer answer) {
      switch (answer) {
        case Answer.State a -> {
          if (isEnd(a.event().getState())) {
            finish();
          }
        }
        case Answer.Granted a -> {
          if (!over) {
            finish();
            new Tenure(Client.this, a.lease(), a.token()).start();
          }
        }
        case Answer.Renewed _, Answer.Prepared _, Answer.Done _ ->
            throw new AssertionError("a request is answered with " + answer);
      }
    }
  }

  static boolean isEnd(io.farwarp.v1.LeaseState state) {
    return switch (state) {
      case QUEUED, PREPARING, ACTIVE, EXPIRING -> false;
      case RELEASED, EXPIRED, REVOKED, LOST, FAILED -> true;
      case LEASE_STATE_UNSPECIFIED, UNRECOGNIZED ->
          throw new AssertionError("a lease is told to be " + state);
    };
  }

  Network network() {
    return network;
  }
}
