package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.S;
import static io.farwarp.gateway.simulation.World.check;

import com.google.protobuf.ByteString;
import io.farwarp.gateway.SimulatedGateway;
import io.farwarp.gateway.book.Executor;
import io.farwarp.gateway.book.Lease;
import io.farwarp.gateway.book.LeaseBook;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One gateway, a few hosts and clients for a while in which things go wrong, and a while in which
 * nothing does; all of it on the calling thread and from one seed.
 */
final class History {
  static final List<String> TENANTS = List.of("astro", "bio", "chem");

  private static final int MOST_AGENTS = 3;
  private static final int MOST_CLIENTS = 4;

  /** Longer than any lease that is lost is held: to prepare, to live, to be sure of. */
  private static final long SETTLE_NS = 90 * S;

  /** The raw public key of RFC 8032, section 7.1, test 1. */
  private static final ByteString PUBLIC_KEY =
      ByteString.fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");

  private final long seed;
  private final World world;
  private final Checks checks;
  private final GatewayHost gateway;
  private final List<Agent> agents = new ArrayList<>();
  private final List<Client> clients = new ArrayList<>();
  private final Faults faults;
  private final long lastsNs;

  History(long seed, SimulatedGateway.Shared shared) {
    this.seed = seed;
    this.world = new World(seed);
    this.checks = new Checks(world);
    Network network = new Network(world);
    this.gateway = new GatewayHost(network, shared, checks);
    Map<String, Agent> byName = new HashMap<>();
    for (int i = 1, count = (int) world.between(1, MOST_AGENTS); i <= count; i++) {
      Agent agent = new Agent(network, gateway, new Host(world, "exec-" + i), checks);
      agents.add(agent);
      byName.put(agent.name, agent);
      checks.add(agent);
    }
    for (int i = 1, count = (int) world.between(1, MOST_CLIENTS); i <= count; i++) {
      String tenant = TENANTS.get(world.below(TENANTS.size()));
      clients.add(new Client(network, gateway, byName, "client-" + i, tenant, PUBLIC_KEY));
    }
    this.faults = new Faults(network, gateway, agents, clients, TENANTS);
    this.lastsNs = world.between(5 * S, 40 * S);
  }

  /** Throws an {@link AssertionError} that has the seed, what is wrong, and how it came to that. */
  void run() {
    try {
      gateway.start();
      agents.forEach(Agent::start);
      clients.forEach(Client::start);
      faults.start();
      world.runUntil(lastsNs);
      settle();
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(
          "seed %d, at %.6f s: %s%n%s"
              .formatted(seed, world.nowNs() / 1e9, e.getMessage(), world.trace()),
          e);
    }
  }

  /** Kinds of commands and events that there were. */
  Set<Class<?>> seen() {
    return checks.seen();
  }

  private void settle() {
    clients.forEach(Client::beQuiet);
    faults.end();
    long untilNs = lastsNs + SETTLE_NS;
    while (!left().isEmpty() && world.nowNs() < untilNs) {
      world.runUntil(world.nowNs() + S);
    }
    check(left().isEmpty(), "after %d s without faults there is left: %s", SETTLE_NS / S, left());
  }

  /** What has not come to its end. */
  private List<String> left() {
    List<String> left = new ArrayList<>();
    if (!gateway.isUp()) {
      left.add("the gateway is down");
    }
    for (Client client : clients) {
      if (!client.isDone()) {
        left.add(client + " waits");
      }
    }
    for (Agent agent : agents) {
      if (!agent.isUp()) {
        left.add(agent + " is down");
      } else if (!agent.host.isEmpty()) {
        left.add(agent + " runs workers");
      }
    }
    LeaseBook book = checks.book();
    if (book != null) {
      for (Lease lease : book.leases()) {
        if (!lease.ended() || lease.held()) {
          left.add("%s is %s, held: %s".formatted(lease.id(), lease.state(), lease.held()));
        }
      }
      for (Agent agent : agents) {
        Executor executor = book.executor(agent.name);
        if (executor == null || !isOpenAndFree(executor)) {
          left.add("for the gateway %s is not open and free".formatted(agent));
        }
      }
    }
    return left;
  }

  private static boolean isOpenAndFree(Executor executor) {
    return executor.stateText().equals("attached")
        && executor.devices().stream().allMatch(device -> device.getOutOfService().isEmpty())
        && executor.usedBytes() == 0
        && executor.workers() == 0;
  }
}
