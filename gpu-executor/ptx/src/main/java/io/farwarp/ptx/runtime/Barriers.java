package io.farwarp.ptx.runtime;

import io.farwarp.ptx.PtxFault;
import io.farwarp.ptx.runtime.Stop.Barrier;
import java.util.Arrays;

/**
 * The 16 barriers of a block.
 *
 * <p>A barrier without a count waits for all threads that have not ended. One with a count waits
 * for that many arrivals, where a warp all of whose remaining threads have come counts as 32: the
 * hardware counts warps.
 */
final class Barriers {
  private static final int COUNT = 16;
  private static final int WARPS = 32;

  /** Lanes that have come, by barrier and warp. */
  private final int[] arrived = new int[COUNT * WARPS];

  private final int[] expected = new int[COUNT];

  /** Barriers to which somebody has come. */
  private int touched;

  void reset() {
    if (touched != 0) {
      Arrays.fill(arrived, 0);
      touched = 0;
    }
  }

  boolean isUntouched() {
    return touched == 0;
  }

  /** Notes that a thread has come. */
  void arrive(BlockThreads threads, int thread, Barrier stop) {
    int id = id(threads, thread, stop);
    int count = stop.count() == Barrier.VARIABLE ? threads.second[thread] : stop.count();
    boolean isCount = count > 0 && count % BlockThreads.WARP == 0;
    if (id < 0 || id >= COUNT || (stop.count() != Barrier.ALL && !isCount)) {
      throw new DeviceTrap(PtxFault.Kind.INVALID_BARRIER, stop.line(), 0);
    }
    arrived[id * WARPS + thread / BlockThreads.WARP] |= 1 << thread;
    expected[id] = count;
    touched |= 1 << id;
  }

  private static int id(BlockThreads threads, int thread, Barrier stop) {
    return stop.id() == Barrier.VARIABLE ? threads.first[thread] : stop.id();
  }

  /** Lets the threads go on whose barriers are complete; false if there are none. */
  boolean release(BlockThreads threads, Stop[] stops) {
    boolean released = false;
    for (int open = touched; open != 0; open &= open - 1) {
      int id = Integer.numberOfTrailingZeros(open);
      if (isComplete(threads, id)) {
        release(threads, stops, id);
        Arrays.fill(arrived, id * WARPS, (id + 1) * WARPS, 0);
        touched &= ~(1 << id);
        released = true;
      }
    }
    return released;
  }

  private boolean isComplete(BlockThreads threads, int id) {
    int count = 0;
    for (int warp = 0; warp < threads.warps(); warp++) {
      int lanes = arrived[id * WARPS + warp];
      int missing = threads.lanes(warp) & ~lanes & ~exited(threads, warp);
      if (expected[id] == Barrier.ALL) {
        if (missing != 0) {
          return false;
        }
      } else if (lanes != 0) {
        count += missing == 0 ? BlockThreads.WARP : Integer.bitCount(lanes);
      }
    }
    return count >= expected[id];
  }

  private static int exited(BlockThreads threads, int warp) {
    int exited = 0;
    int base = warp * BlockThreads.WARP;
    int end = Math.min(base + BlockThreads.WARP, threads.count());
    for (int thread = base; thread < end; thread++) {
      if (threads.states[thread] == RegionCode.EXITED) {
        exited |= 1 << thread;
      }
    }
    return exited;
  }

  private void release(BlockThreads threads, Stop[] stops, int id) {
    int holding = 0;
    int participants = 0;
    for (int pass = 0; pass < 2; pass++) {
      for (int thread = 0; thread < threads.count(); thread++) {
        int state = threads.states[thread];
        if (state >= 0
            && state != RegionCode.EXITED
            && stops[state] instanceof Barrier stop
            && id(threads, thread, stop) == id) {
          if (pass == 0) {
            boolean reduces = stop.role() != Barrier.Role.SYNC;
            participants += reduces ? 1 : 0;
            holding += reduces ? threads.third[thread] : 0;
          } else {
            threads.results[thread] = reduced(stop.role(), holding, participants);
            threads.states[thread] = ~stop.region();
          }
        }
      }
    }
  }

  static int reduced(Barrier.Role role, int holding, int participants) {
    return switch (role) {
      case SYNC, ARRIVE -> 0;
      case POPC -> holding;
      case AND -> holding == participants ? 1 : 0;
      case OR -> holding > 0 ? 1 : 0;
    };
  }
}
