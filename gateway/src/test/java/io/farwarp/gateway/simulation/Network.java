package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.MS;
import static io.farwarp.gateway.simulation.World.S;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What lies between the parties: each pair has a link in each direction. */
final class Network {
  /** A connection whose link is cut for longer is given up by its ends (keep-alives of gRPC). */
  static final long KEEP_ALIVE_NS = 15 * S;

  private static final long LONGEST_DELAY_NS = 400 * MS;

  /** One direction between two parties. */
  final class Link {
    private long cutUntilNs;
    private long slowUntilNs;
    private long slowNs;

    /** When what is sent now arrives; TCP sends it until it does. */
    long arrivalNs() {
      long delayNs =
          world.chance(0.9) ? world.between(MS / 20, 2 * MS) : world.skewed(MS, LONGEST_DELAY_NS);
      long nowNs = world.nowNs();
      if (nowNs < slowUntilNs) {
        delayNs += world.between(0, slowNs);
      }
      return Math.max(nowNs, cutUntilNs) + delayNs;
    }

    void cut(long forNs) {
      cutUntilNs = Math.max(cutUntilNs, world.nowNs() + forNs);
    }

    void slow(long forNs, long mostNs) {
      slowUntilNs = world.nowNs() + forNs;
      slowNs = mostNs;
    }

    boolean isCut() {
      return world.nowNs() < cutUntilNs;
    }

    private void mend() {
      cutUntilNs = 0;
      slowUntilNs = 0;
    }
  }

  final World world;
  private final Map<String, Link> links = new HashMap<>();
  private final List<Connection<?, ?>> connections = new ArrayList<>();

  Network(World world) {
    this.world = world;
  }

  Link link(String from, String to) {
    return links.computeIfAbsent(from + ">" + to, _ -> new Link());
  }

  void opened(Connection<?, ?> connection) {
    connections.removeIf(Connection::isOver);
    connections.add(connection);
  }

  /** Those of {@code party} that are open at either end. */
  List<Connection<?, ?>> connectionsOf(Party party) {
    connections.removeIf(Connection::isOver);
    return connections.stream().filter(each -> each.isOf(party)).toList();
  }

  /** Nothing gets from {@code from} to {@code to} for a while. */
  void cut(Party from, Party to, long forNs) {
    world.note("network", "nothing gets from %s to %s for %d ms", from, to, forNs / MS);
    link(from.name, to.name).cut(forNs);
    if (forNs > KEEP_ALIVE_NS) {
      connectionsOf(from).stream().filter(each -> each.isOf(to)).forEach(Connection::breakDown);
    }
  }

  void mend() {
    links.values().forEach(Link::mend);
  }
}
