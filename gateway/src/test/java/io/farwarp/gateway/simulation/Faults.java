package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.MS;
import static io.farwarp.gateway.simulation.World.S;

import io.farwarp.gateway.book.Command;
import io.farwarp.gateway.simulation.ClientCall.Answer;
import io.farwarp.v1.TenantPolicy;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * What goes wrong, and what operators do. Each history has some kinds of it, at a rate of its own.
 */
final class Faults {
  private enum Kind {
    STREAM_BREAKS,
    AGENT_PARTITIONED,
    AGENT_SLOW,
    AGENT_DIES,
    AGENT_PAUSES,
    AGENT_DRAINS,
    AGENT_STOPS,
    DEVICE_FAILS,
    DEVICE_FLAPS,
    WORKER_DIES,
    WORKER_PAUSES,
    GATEWAY_DIES,
    GATEWAY_DIES_IN_A_TURN,
    GATEWAY_RESTARTS,
    GATEWAY_PAUSES,
    DISK_FULL,
    CALL_BREAKS,
    CLIENT_PARTITIONED,
    CLIENT_DIES,
    CLIENT_PAUSES,
    OPERATOR_CORDONS,
    OPERATOR_DRAINS,
    OPERATOR_REVOKES,
    OPERATOR_SETS_TENANT
  }

  private final Network network;
  private final World world;
  private final GatewayHost gateway;
  private final List<Agent> agents;
  private final List<Client> clients;
  private final List<String> tenants;
  private final Party operator;
  private final List<Kind> kinds;
  private final long meanNs;
  private boolean over;

  Faults(
      Network network,
      GatewayHost gateway,
      List<Agent> agents,
      List<Client> clients,
      List<String> tenants) {
    this.network = network;
    this.world = network.world;
    this.gateway = gateway;
    this.agents = agents;
    this.clients = clients;
    this.tenants = tenants;
    this.operator = new Party(world, "operator", new HostClock(world));
    Set<Kind> some = EnumSet.noneOf(Kind.class);
    double part = world.below(5) / 4.0;
    for (Kind kind : Kind.values()) {
      if (world.chance(part)) {
        some.add(kind);
      }
    }
    this.kinds = List.copyOf(some);
    this.meanNs = world.between(200 * MS, 6 * S);
    world.note("faults", "%s, one each %d ms", kinds, meanNs / MS);
  }

  void start() {
    if (!kinds.isEmpty()) {
      world.after(world.between(0, 2 * meanNs), this::next);
    }
  }

  private void next() {
    if (!over) {
      happen(kinds.get(world.below(kinds.size())));
      start();
    }
  }

  /**
   * From now on all goes well: what is cut is mended, what pauses goes on, what is down comes up.
   */
  void end() {
    over = true;
    world.note("faults", "none from now on");
    network.mend();
    gateway.disk.fill(false);
    gateway.resume();
    agents.forEach(Agent::serve);
    clients.forEach(Party::resume);
    // Behind whatever operators have said before and is on its way still.
    world.after(10 * S, this::allowAll);
  }

  private void allowAll() {
    for (Agent agent : agents) {
      operate(new Command.Uncordon(agent.name));
    }
    for (String tenant : tenants) {
      operate(new Command.SetTenant(TenantPolicy.newBuilder().setTenant(tenant).build(), true));
    }
  }

  private void happen(Kind kind) {
    Agent agent = agents.get(world.below(agents.size()));
    Client client = clients.get(world.below(clients.size()));
    switch (kind) {
      case STREAM_BREAKS -> agent.breakStream();
      case AGENT_PARTITIONED -> partition(agent);
      case AGENT_SLOW -> {
        long forNs = world.between(S, 10 * S);
        agent.disturbed(forNs);
        network.link(agent.name, gateway.name).slow(forNs, world.between(0, 2 * S));
        network.link(gateway.name, agent.name).slow(forNs, world.between(0, 2 * S));
      }
      case AGENT_DIES -> agent.die();
      case AGENT_PAUSES -> agent.pause(world.skewed(10 * MS, 15 * S));
      case AGENT_DRAINS -> agent.drain();
      case DEVICE_FAILS -> agent.setOutOfService(world.chance(0.5) ? "it does not answer" : "");
      case AGENT_STOPS -> {
        agent.drain();
        agent.after(world.skewed(0, S), agent::die);
      }
      case DEVICE_FLAPS -> {
        agent.setOutOfService("it does not answer");
        agent.after(world.skewed(0, 100 * MS), agent::breakStream);
        agent.after(world.skewed(0, S), () -> agent.setOutOfService(""));
      }
      case WORKER_DIES -> {
        Worker worker = agent.anyWorker();
        if (worker != null) {
          worker.kill();
        }
      }
      case WORKER_PAUSES -> {
        Worker worker = agent.anyWorker();
        if (worker != null) {
          long forNs = world.skewed(10 * MS, 5 * S);
          agent.disturbed(forNs);
          worker.pause(forNs);
        }
      }
      case GATEWAY_DIES -> gateway.die();
      case GATEWAY_DIES_IN_A_TURN -> gateway.dieSoon(world.between(1, 12));
      case GATEWAY_RESTARTS -> gateway.restart();
      case GATEWAY_PAUSES -> gateway.pause(world.skewed(10 * MS, 8 * S));
      case DISK_FULL -> gateway.disk.fill(world.chance(0.5));
      case CALL_BREAKS -> breakOneOf(client);
      case CLIENT_PARTITIONED -> {
        long forNs = world.skewed(100 * MS, 30 * S);
        network.cut(client, gateway, forNs);
        network.cut(gateway, client, forNs);
      }
      case CLIENT_DIES -> client.die();
      case CLIENT_PAUSES -> client.pause(world.skewed(10 * MS, 10 * S));
      case OPERATOR_CORDONS ->
          operate(
              world.chance(0.5)
                  ? new Command.Cordon(agent.name, "cordoned")
                  : new Command.Uncordon(agent.name));
      case OPERATOR_DRAINS ->
          operate(new Command.Drain(agent.name, world.between(0, 5 * S), "drained"));
      case OPERATOR_REVOKES ->
          operate(
              new Command.Revoke(
                  "L-" + world.between(1, 30),
                  world.chance(0.5) ? 0 : world.between(0, 4 * S),
                  "revoked"));
      case OPERATOR_SETS_TENANT -> operate(new Command.SetTenant(policy(), world.chance(0.5)));
    }
  }

  private void partition(Agent agent) {
    long forNs = world.skewed(100 * MS, 30 * S);
    agent.disturbed(forNs);
    int ways = world.below(3);
    if (ways != 0) {
      network.cut(agent, gateway, forNs);
    }
    if (ways != 1) {
      network.cut(gateway, agent, forNs);
    }
  }

  private void breakOneOf(Party party) {
    var open = network.connectionsOf(party);
    if (!open.isEmpty()) {
      open.get(world.below(open.size())).breakDown();
    }
  }

  private TenantPolicy policy() {
    return TenantPolicy.newBuilder()
        .setTenant(tenants.get(world.below(tenants.size())))
        .setWeight(1 + world.below(3))
        .setMaxLeases(world.below(4))
        .setMaxWindowBytes(world.below(20) * Host.PAGE_BYTES)
        .setMaxDeviceSeconds(world.below(60))
        .setMaxRequestsPerSecond(world.below(4))
        .build();
  }

  private void operate(Command command) {
    boolean insists = over;
    var _ =
        gateway.call(
            operator,
            new ClientCall.Operate(command),
            new Connection.End<>() {
              @Override
              public void message(Answer answer) {}

              @Override
              public void ended(String why) {
                if (insists && why.equals(Connection.BROKEN)) {
                  world.after(S, () -> operate(command));
                }
              }
            });
  }
}
