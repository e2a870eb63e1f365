package io.farwarp.ptx.runtime;

import io.farwarp.ptx.runtime.Stop.Warp;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Finds the lanes of each warp that have come together for an operation. With a member mask, all
 * its lanes that have not ended must be there, at an operation written the same way and with the
 * same mask. Without one, the lanes at one instruction take part as soon as no other lane of the
 * warp can run but those that poll.
 */
final class WarpMeeting {
  private final BlockThreads threads;
  private final Stop[] stops;
  private final int base;
  private final int lanes;
  private int exited;
  private int ready;

  private WarpMeeting(BlockThreads threads, Stop[] stops, int warp) {
    this.threads = threads;
    this.stops = stops;
    base = warp * BlockThreads.WARP;
    lanes = threads.lanes(warp);
    look(threads.pollers[warp]);
  }

  /** Performs what the lanes of a warp have come together for. */
  static void letGo(BlockThreads threads, Stop[] stops, int warp) {
    int base = warp * BlockThreads.WARP;
    int lanes = threads.lanes(warp);
    int state = threads.states[base];
    if (isAtOneStop(threads, base, lanes, state)
        && stops[state] instanceof Warp stop
        && (stop.convergent()
            || (stop.isConstant(Warp.MEMBERS) && (lanes & ~stop.members()) == 0))) {
      WarpExchange.perform(threads, stop, base, lanes);
      Arrays.fill(threads.states, base, base + Integer.bitCount(lanes), ~stop.region());
      return;
    }
    WarpMeeting meeting = new WarpMeeting(threads, stops, warp);
    meeting.withMasks();
    meeting.convergent();
  }

  private static boolean isAtOneStop(BlockThreads threads, int base, int lanes, int state) {
    int end = base + Integer.bitCount(lanes);
    for (int i = base + 1; i < end; i++) {
      if (threads.states[i] != state) {
        return false;
      }
    }
    return state >= 0 && state != RegionCode.EXITED;
  }

  private void look(int pollers) {
    for (int rest = lanes; rest != 0; rest &= rest - 1) {
      int lane = Integer.numberOfTrailingZeros(rest);
      int state = threads.states[base + lane];
      exited |= state == RegionCode.EXITED ? 1 << lane : 0;
      ready |= state < 0 ? 1 << lane : 0;
    }
    ready &= ~pollers;
  }

  private @Nullable Warp stop(int lane) {
    int state = threads.states[base + lane];
    return state >= 0 && state != RegionCode.EXITED && stops[state] instanceof Warp warp
        ? warp
        : null;
  }

  private int mask(Warp stop, int lane) {
    return stop.isConstant(Warp.MEMBERS) ? stop.members() : threads.members[base + lane];
  }

  private void withMasks() {
    int handled = 0;
    for (int lane = 0; lane < BlockThreads.WARP; lane++) {
      int bit = 1 << lane;
      if ((lanes & bit & ~handled) == 0) {
        continue;
      }
      Warp stop = stop(lane);
      if (stop == null || stop.convergent()) {
        continue;
      }
      int mask = mask(stop, lane);
      int peers = 0;
      for (int other = lane; other < BlockThreads.WARP; other++) {
        Warp its = ((lanes >>> other) & 1) == 0 ? null : stop(other);
        if (its != null && its.group() == stop.group() && mask(its, other) == mask) {
          peers |= 1 << other;
        }
      }
      handled |= peers;
      if ((mask & lanes & ~exited & ~peers) == 0) {
        meet(stop, peers);
      }
    }
  }

  private void convergent() {
    if (ready != 0) {
      return;
    }
    int handled = 0;
    for (int lane = 0; lane < BlockThreads.WARP; lane++) {
      Warp stop = (lanes & ~handled & (1 << lane)) == 0 ? null : stop(lane);
      if (stop == null || !stop.convergent()) {
        continue;
      }
      int peers = 0;
      for (int other = lane; other < BlockThreads.WARP; other++) {
        if (((lanes >>> other) & 1) != 0 && stop.equals(stop(other))) {
          peers |= 1 << other;
        }
      }
      handled |= peers;
      meet(stop, peers);
    }
  }

  /**
   * Performs the operation; its lanes may stand at several instructions with constants of their
   * own, which then become values of the lanes.
   */
  private void meet(Warp stop, int peers) {
    for (int rest = peers; rest != 0; rest &= rest - 1) {
      int lane = Integer.numberOfTrailingZeros(rest);
      Warp its = stop(lane);
      if (its == null) {
        throw new IllegalStateException("lane " + lane + " is not at the operation");
      }
      if (its.isConstant(Warp.SECOND)) {
        threads.second[base + lane] = its.second();
      }
      if (its.isConstant(Warp.THIRD)) {
        threads.third[base + lane] = its.third();
      }
      threads.states[base + lane] = ~its.region();
    }
    ready |= peers;
    WarpExchange.perform(threads, stop.withLanesOwnOperands(), base, peers);
  }
}
