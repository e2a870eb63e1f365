package io.farwarp.gateway.simulation;

import java.util.ArrayDeque;
import java.util.Deque;

/** A process on a host. It may pause, die, and live again. */
class Party {
  final World world;
  final String name;
  final HostClock clock;

  /** Counts its lives: what was meant for an earlier one does not reach a later one. */
  private int life;

  private long pausedUntilNs;

  /** What has come while it pauses, in order. */
  private final Deque<Runnable> waiting = new ArrayDeque<>();

  Party(World world, String name, HostClock clock) {
    this.world = world;
    this.name = name;
    this.clock = clock;
  }

  int life() {
    return life;
  }

  /** All that is on its way to it is lost. */
  final void endLife() {
    life++;
    pausedUntilNs = 0;
    waiting.clear();
  }

  void pause(long ns) {
    pausedUntilNs = Math.max(pausedUntilNs, world.nowNs() + ns);
    note("pauses for %d ms", ns / World.MS);
    world.at(pausedUntilNs, this::goOn);
  }

  final void resume() {
    pausedUntilNs = 0;
    goOn();
  }

  private boolean isPaused() {
    return world.nowNs() < pausedUntilNs;
  }

  private void goOn() {
    while (!isPaused() && !waiting.isEmpty()) {
      waiting.removeFirst().run();
    }
  }

  /** Runs {@code task}, as soon as it does not pause. */
  final void deliver(Runnable task) {
    if (isPaused() || !waiting.isEmpty()) {
      waiting.addLast(task);
    } else {
      task.run();
    }
  }

  /** Runs {@code task} in this life, when its clock has advanced by {@code ns}. */
  final void after(long ns, Runnable task) {
    int mine = life;
    world.after(
        clock.worldNs(ns),
        () -> {
          if (mine == life) {
            deliver(task);
          }
        });
  }

  final void note(String format, Object... args) {
    world.note(name, format, args);
  }

  @Override
  public final String toString() {
    return name;
  }
}
