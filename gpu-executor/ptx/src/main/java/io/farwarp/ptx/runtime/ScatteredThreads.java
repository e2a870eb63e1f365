package io.farwarp.ptx.runtime;

import io.farwarp.ptx.PtxFault;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A block whose threads are at several stops. It runs in rounds: all that wait for something that
 * has come about become ready, and each ready thread runs one region. So threads that poll and
 * threads that work go forward alike.
 *
 * <p>A warp whose threads have all ended or wait at barriers is quiet, and no round looks at it
 * until a barrier opens: often one warp works while the others wait.
 */
final class ScatteredThreads {
  /** For how many rounds a lane waits for others to go in step with. */
  private static final int PATIENCE = 64;

  private final BlockContext context;
  private final BlockThreads threads;
  private final RegionCode code;
  private final Stop[] stops;

  /** What the last look at the warps has found. */
  private int ready;

  private int firstReady;
  private int lastReady;
  private int firstRegion;
  private int lastRegion;

  private ScatteredThreads(BlockContext context, RegionCode code, Stop[] stops) {
    this.context = context;
    this.threads = context.threads();
    this.code = code;
    this.stops = stops;
  }

  /**
   * Runs until all threads are ready for one region, which it returns, or have ended: {@link
   * RegionProgram#ENDED}.
   *
   * @throws DeviceTrap if no thread can go on
   */
  static int run(BlockContext context, RegionCode code, Stop[] stops) {
    return new ScatteredThreads(context, code, stops).run();
  }

  private int run() {
    Arrays.fill(threads.quiet, false);
    while (true) {
      context.poll();
      letGo();
      findReady();
      if (ready == 0) {
        if (allEnded()) {
          return RegionProgram.ENDED;
        }
        throw deadlock();
      }
      if (ready == threads.count() && firstRegion == lastRegion) {
        return firstRegion;
      }
      runReady();
    }
  }

  /** Makes the threads ready that need not wait any longer. */
  private void letGo() {
    for (int warp = 0; warp < threads.warps(); warp++) {
      if (!threads.quiet[warp]) {
        threads.quiet[warp] = look(warp);
      }
    }
    if (threads.barriers.release(threads, stops)) {
      Arrays.fill(threads.quiet, false);
    }
    for (int warp = 0; warp < threads.warps(); warp++) {
      if (threads.meeting[warp]) {
        WarpMeeting.letGo(threads, stops, warp);
      }
    }
  }

  /** Deals with the lanes of a warp that wait; true if nothing but a barrier can wake any. */
  private boolean look(int warp) {
    int[] states = threads.states;
    int base = warp * BlockThreads.WARP;
    int end = Math.min(base + BlockThreads.WARP, threads.count());
    boolean quiet = true;
    boolean meeting = false;
    boolean stepping = false;
    int pollers = 0;
    for (int i = base; i < end; i++) {
      int state = states[i];
      if (state == RegionCode.EXITED) {
        continue;
      }
      if (state < 0) {
        quiet = false;
        continue;
      }
      switch (stops[state]) {
        case Stop.Cut cut -> states[i] = ~cut.region();
        case Stop.Poll poll -> {
          states[i] = ~poll.region();
          pollers |= 1 << i;
        }
        case Stop.Step step -> stepping = true;
        case Stop.Barrier barrier -> {
          threads.barriers.arrive(threads, i, barrier);
          if (barrier.role() == Stop.Barrier.Role.ARRIVE) {
            states[i] = ~barrier.region();
          }
        }
        case Stop.Warp warpStop -> meeting = true;
      }
      quiet &= stops[state] instanceof Stop.Barrier && states[i] >= 0;
    }
    threads.pollers[warp] = pollers;
    threads.meeting[warp] = meeting;
    if (stepping) {
      step(base, end, warp);
    }
    return quiet;
  }

  /**
   * Of the lanes that go in step, lets those go on that are furthest back in the text, once no
   * other lane is further back: so lanes that went different ways come together again. None waits
   * longer than a while, as what others do there may take for ever.
   */
  private void step(int from, int to, int warp) {
    int[] states = threads.states;
    int least = Integer.MAX_VALUE;
    for (int i = from; i < to; i++) {
      boolean polls = (threads.pollers[warp] & 1 << i) != 0;
      int state = states[i];
      Stop.Step step = stepAt(state);
      if (state < 0 && !polls) {
        least = Math.min(least, 2 * ~state);
      } else if (step != null) {
        least = Math.min(least, step.place());
      }
    }
    boolean waits = threads.held[warp] < PATIENCE;
    boolean holds = false;
    for (int i = from; i < to; i++) {
      Stop.Step step = stepAt(states[i]);
      if (step != null && waits && step.place() > least) {
        holds = true;
      } else if (step != null) {
        states[i] = ~step.region();
      }
    }
    threads.held[warp] = holds ? threads.held[warp] + 1 : 0;
  }

  private Stop.@Nullable Step stepAt(int state) {
    return state >= 0 && state != RegionCode.EXITED && stops[state] instanceof Stop.Step step
        ? step
        : null;
  }

  private void findReady() {
    ready = 0;
    firstReady = threads.count();
    lastReady = -1;
    int least = 0;
    int most = Integer.MIN_VALUE;
    for (int warp = 0; warp < threads.warps(); warp++) {
      if (threads.quiet[warp]) {
        continue;
      }
      int base = warp * BlockThreads.WARP;
      int end = Math.min(base + BlockThreads.WARP, threads.count());
      for (int i = base; i < end; i++) {
        int state = threads.states[i];
        if (state < 0) {
          least = Math.min(least, state);
          most = Math.max(most, state);
          firstReady = Math.min(firstReady, i);
          lastReady = i;
          ready++;
        }
      }
    }
    firstRegion = ~most;
    lastRegion = ~least;
  }

  /** Runs each region for the threads that were ready for it when the round began. */
  private void runReady() {
    for (int region = firstRegion; region <= lastRegion; region++) {
      int from = firstReady;
      int to = lastReady + 1;
      while (from < to && threads.states[from] != ~region) {
        from++;
      }
      while (to > from && threads.states[to - 1] != ~region) {
        to--;
      }
      if (from < to) {
        code.run(context, region, from, to, true);
      }
    }
  }

  private boolean allEnded() {
    for (int i = 0; i < threads.count(); i++) {
      if (threads.states[i] != RegionCode.EXITED) {
        return false;
      }
    }
    return true;
  }

  private DeviceTrap deadlock() {
    for (int i = 0; i < threads.count(); i++) {
      int state = threads.states[i];
      if (state != RegionCode.EXITED) {
        context.atThread(i);
        return new DeviceTrap(PtxFault.Kind.DEADLOCK, stops[state].line(), 0);
      }
    }
    throw new IllegalStateException("nobody waits");
  }
}
