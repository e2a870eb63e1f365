package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.MS;
import static io.farwarp.gateway.simulation.World.S;

/**
 * A stream in both directions, each in order, as gRPC and TCP have it: when it breaks, what is on
 * its way is lost or comes late, and each end hears of that soon, late, or when it asks.
 *
 * @param <C> what the caller sends
 * @param <S> what the one who is called sends
 */
final class Connection<C, S> {
  /** Why it has ended for one who has not heard the last word of the other. */
  static final String BROKEN = "the connection is broken";

  /** What one end does with what comes. */
  interface End<T> {
    void message(T message);

    /** No message follows; comes once. */
    void ended(String why);
  }

  private final class Way<T> {
    private final Party to;
    private final Network.Link link;
    private final End<T> end;
    private boolean open = true;
    private boolean ignored;
    private boolean lost;
    private long lastNs;
    private long lateUntilNs;

    Way(Party from, Party to, End<T> end) {
      this.to = to;
      this.link = network.link(from.name, to.name);
      this.end = end;
    }

    void post(Runnable arrival) {
      if (!broken) {
        lastNs = Math.max(lastNs + 1, link.arrivalNs());
        world.at(lastNs, () -> arrive(arrival));
      }
    }

    private void arrive(Runnable arrival) {
      if (world.nowNs() < lateUntilNs) {
        world.at(lateUntilNs, () -> arrive(arrival));
      } else {
        to.deliver(() -> {
          if (open && !ignored && !lost) {
            arrival.run();
          }
        });
      }
    }

    void message(T message) {
      post(() -> end.message(message));
    }

    void end(String why) {
      if (open) {
        open = false;
        end.ended(why);
      }
    }

    /** What is on its way comes late, or never. */
    void breakDown() {
      lost = world.chance(0.5);
      if (world.chance(0.5)) {
        lateUntilNs = world.nowNs() + world.skewed(MS, 8 * World.S);
      }
      long noticeNs =
          link.isCut() || world.chance(0.3)
              ? world.between(Network.KEEP_ALIVE_NS, 2 * Network.KEEP_ALIVE_NS)
              : world.skewed(0, 50 * MS);
      world.after(noticeNs, () -> to.deliver(() -> end(BROKEN)));
    }
  }

  private final Network network;
  private final World world;
  private final Party caller;
  private final Party callee;
  private final Way<C> up;
  private final Way<S> down;
  private final int callerLife;
  private final int calleeLife;
  private boolean broken;

  Connection(Network network, Party caller, Party callee, End<S> callerEnd, End<C> calleeEnd) {
    this.network = network;
    this.world = network.world;
    this.caller = caller;
    this.callee = callee;
    this.callerLife = caller.life();
    this.calleeLife = callee.life();
    this.up = new Way<>(caller, callee, calleeEnd);
    this.down = new Way<>(callee, caller, callerEnd);
    network.opened(this);
  }

  /** From the caller. */
  void send(C message) {
    up.message(message);
  }

  /** To the caller. */
  void answer(S message) {
    down.message(message);
  }

  /** The one who is called has said the last word, and hears at most that it did not get there. */
  void complete(String why) {
    up.ignored = true;
    down.post(() -> down.end(why));
  }

  /** The caller wants no more of it; the one who is called hears that, if the network lets it. */
  void cancel() {
    down.open = false;
    up.post(() -> up.end("cancelled"));
  }

  /** Neither side can reach the other by it any more. */
  void breakDown() {
    if (!broken) {
      broken = true;
      world.note("network", "a connection from %s to %s breaks", caller, callee);
      up.breakDown();
      down.breakDown();
    }
  }

  /** One end's process is gone, which its host tells the other one as if the network broke. */
  void died(Party party) {
    (party == caller ? down : up).open = false;
    breakDown();
  }

  boolean isBroken() {
    return broken;
  }

  boolean isOf(Party party) {
    return party == caller || party == callee;
  }

  /** The caller hears nothing more of it. */
  boolean isOverForCaller() {
    return !down.open || caller.life() != callerLife;
  }

  private boolean calleeIsOver() {
    return !up.open || up.ignored || callee.life() != calleeLife;
  }

  boolean isOver() {
    return isOverForCaller() && calleeIsOver();
  }
}
