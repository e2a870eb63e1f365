package io.farwarp.ptx.runtime;

import io.farwarp.ptx.runtime.Stop.Warp;
import java.util.Arrays;

/** The operations of a warp, on the operands that its lanes have left in {@link BlockThreads}. */
final class WarpExchange {
  private static final int FULL = -1;

  /** The third operand of a shuffle over the whole warp. */
  private static final int LAST_LANE = 31;

  private WarpExchange() {}

  /**
   * Performs an operation at which all threads of a block are.
   *
   * @return false when a mask leaves out lanes that are there
   */
  static boolean together(BlockThreads threads, Warp stop) {
    if (!stop.convergent() && !coversAll(threads, stop)) {
      return false;
    }
    for (int warp = 0; warp < threads.warps(); warp++) {
      perform(threads, stop, warp * BlockThreads.WARP, threads.lanes(warp));
    }
    return true;
  }

  private static boolean coversAll(BlockThreads threads, Warp stop) {
    if (stop.isConstant(Warp.MEMBERS)) {
      return stop.members() == FULL;
    }
    int common = FULL;
    for (int i = 0; i < threads.count(); i++) {
      common &= threads.members[i];
    }
    return common == FULL;
  }

  /** Performs an operation for some lanes of the warp whose first thread is {@code base}. */
  static void perform(BlockThreads threads, Warp stop, int base, int lanes) {
    switch (stop.operation()) {
      case SYNC -> {
        // To have met is all.
      }
      case SHFL_UP, SHFL_DOWN, SHFL_BFLY, SHFL_IDX -> {
        if (lanes == FULL && stop.isConstant(Warp.SECOND) && stop.isConstant(Warp.THIRD)) {
          shuffleAll(threads, stop, base);
        } else {
          shuffle(threads, stop, base, lanes);
        }
      }
      case VOTE_ALL, VOTE_ANY, VOTE_UNI -> vote(threads, stop.operation(), base, lanes);
      case VOTE_BALLOT -> all(threads, base, lanes, ballot(threads, base, lanes), 0);
      case MATCH_ANY, MATCH_ANY_WIDE, MATCH_ALL, MATCH_ALL_WIDE ->
          match(threads, stop.operation(), base, lanes);
      case ACTIVEMASK -> all(threads, base, lanes, lanes, 0);
      case ELECT -> {
        int leader = Integer.numberOfTrailingZeros(lanes);
        all(threads, base, lanes, leader, 0);
        threads.flags[base + leader] = 1;
      }
      default -> all(threads, base, lanes, reduce(threads, stop.operation(), base, lanes), 0);
    }
  }

  private static void all(BlockThreads threads, int base, int lanes, int result, int flag) {
    for (int rest = lanes; rest != 0; rest &= rest - 1) {
      int thread = base + Integer.numberOfTrailingZeros(rest);
      threads.results[thread] = result;
      threads.flags[thread] = flag;
    }
  }

  /** As the PTX ISA describes {@code shfl}; a lane that takes no part cannot be read. */
  private static void shuffle(BlockThreads threads, Warp stop, int base, int lanes) {
    for (int rest = lanes; rest != 0; rest &= rest - 1) {
      int lane = Integer.numberOfTrailingZeros(rest);
      int thread = base + lane;
      int by = stop.isConstant(Warp.SECOND) ? stop.second() : threads.second[thread];
      int clamp = stop.isConstant(Warp.THIRD) ? stop.third() : threads.third[thread];
      int source = source(stop.operation(), lane, by & 31, clamp);
      boolean readable = source >= 0 && ((lanes >>> source) & 1) != 0;
      threads.results[thread] = threads.first[readable ? base + source : thread];
      threads.flags[thread] = source >= 0 ? 1 : 0;
    }
  }

  /** All 32 lanes, with the same constants for each; the usual ones move whole stretches. */
  private static void shuffleAll(BlockThreads threads, Warp stop, int base) {
    int by = stop.second() & 31;
    int rest = BlockThreads.WARP - by;
    int[] first = threads.first;
    int[] results = threads.results;
    if (stop.operation() == WarpOperation.SHFL_DOWN && stop.third() == LAST_LANE) {
      System.arraycopy(first, base + by, results, base, rest);
      System.arraycopy(first, base + rest, results, base + rest, by);
      Arrays.fill(threads.flags, base, base + rest, 1);
      Arrays.fill(threads.flags, base + rest, base + BlockThreads.WARP, 0);
    } else if (stop.operation() == WarpOperation.SHFL_UP && stop.third() == 0) {
      System.arraycopy(first, base, results, base + by, rest);
      System.arraycopy(first, base, results, base, by);
      Arrays.fill(threads.flags, base, base + by, 0);
      Arrays.fill(threads.flags, base + by, base + BlockThreads.WARP, 1);
    } else if (stop.operation() == WarpOperation.SHFL_BFLY && stop.third() == LAST_LANE) {
      for (int lane = 0; lane < BlockThreads.WARP; lane++) {
        results[base + lane] = first[base + (lane ^ by)];
      }
      Arrays.fill(threads.flags, base, base + BlockThreads.WARP, 1);
    } else {
      shuffle(threads, stop, base, FULL);
    }
  }

  /** The lane that is read, or -1 when it lies outside the lane's segment. */
  private static int source(WarpOperation operation, int lane, int by, int clamp) {
    int segment = (clamp >>> 8) & 31;
    int least = lane & segment;
    int most = least | (clamp & 31 & ~segment);
    int source =
        switch (operation) {
          case SHFL_UP -> lane - by;
          case SHFL_DOWN -> lane + by;
          case SHFL_BFLY -> lane ^ by;
          default -> least | (by & ~segment);
        };
    boolean inside = operation == WarpOperation.SHFL_UP ? source >= most : source <= most;
    return inside ? source : -1;
  }

  private static int ballot(BlockThreads threads, int base, int lanes) {
    int ballot = 0;
    for (int rest = lanes; rest != 0; rest &= rest - 1) {
      int lane = Integer.numberOfTrailingZeros(rest);
      ballot |= threads.first[base + lane] << lane;
    }
    return ballot;
  }

  private static void vote(BlockThreads threads, WarpOperation operation, int base, int lanes) {
    int ballot = ballot(threads, base, lanes);
    boolean holds =
        switch (operation) {
          case VOTE_ALL -> ballot == lanes;
          case VOTE_ANY -> ballot != 0;
          default -> ballot == lanes || ballot == 0;
        };
    all(threads, base, lanes, 0, holds ? 1 : 0);
  }

  private static void match(BlockThreads threads, WarpOperation operation, int base, int lanes) {
    boolean wide =
        operation == WarpOperation.MATCH_ANY_WIDE || operation == WarpOperation.MATCH_ALL_WIDE;
    boolean any = operation == WarpOperation.MATCH_ANY || operation == WarpOperation.MATCH_ANY_WIDE;
    for (int rest = lanes; rest != 0; rest &= rest - 1) {
      int lane = Integer.numberOfTrailingZeros(rest);
      int same = 0;
      for (int others = lanes; others != 0; others &= others - 1) {
        int other = Integer.numberOfTrailingZeros(others);
        if (wide
            ? threads.wide[base + lane] == threads.wide[base + other]
            : threads.first[base + lane] == threads.first[base + other]) {
          same |= 1 << other;
        }
      }
      boolean agreed = same == lanes;
      threads.results[base + lane] = any || agreed ? same : 0;
      threads.flags[base + lane] = agreed ? 1 : 0;
    }
  }

  private static int reduce(BlockThreads threads, WarpOperation operation, int base, int lanes) {
    int result = threads.first[base + Integer.numberOfTrailingZeros(lanes)];
    for (int rest = lanes & (lanes - 1); rest != 0; rest &= rest - 1) {
      int value = threads.first[base + Integer.numberOfTrailingZeros(rest)];
      result =
          switch (operation) {
            case REDUX_ADD -> result + value;
            case REDUX_MIN -> Math.min(result, value);
            case REDUX_MAX -> Math.max(result, value);
            case REDUX_MIN_UNSIGNED -> IntegerOps.minUnsigned(result, value);
            case REDUX_MAX_UNSIGNED -> IntegerOps.maxUnsigned(result, value);
            case REDUX_AND -> result & value;
            case REDUX_OR -> result | value;
            case REDUX_XOR -> result ^ value;
            default -> throw new IllegalArgumentException(operation.name());
          };
    }
    return result;
  }
}
