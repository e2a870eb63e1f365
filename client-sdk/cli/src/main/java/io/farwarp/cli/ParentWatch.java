package io.farwarp.cli;

import io.farwarp.executor.agent.StopSignals;
import java.io.IOException;

/**
 * Ends this process at once when its standard input ends: a child whose parent holds the other end
 * of the pipe goes with its parent, however the parent went. A terminal's Ctrl-C, which goes to
 * both, is the parent's to act on.
 */
final class ParentWatch {
  /** System property that asks for it. */
  static final String PROPERTY = "farwarp.end-with-parent";

  private static final int TERMINATED = 143;

  private ParentWatch() {}

  static void startIfAsked() {
    if (Boolean.getBoolean(PROPERTY)) {
      StopSignals.leaveInterruptsToParent();
      Thread.ofPlatform().daemon().name("farwarp-parent-watch").start(ParentWatch::watch);
    }
  }

  private static void watch() {
    try {
      while (System.in.read() >= 0) {}
    } catch (IOException e) {
      // A pipe that cannot be read has no one at its other end either.
    }
    System.exit(TERMINATED);
  }
}
