package io.farwarp.ptx.runtime;

import io.farwarp.ptx.runtime.Stop.Barrier;
import java.util.Arrays;
import java.util.List;

/**
 * Runs a kernel region by region. As long as all threads of a block come to the same stop, each
 * region is one call for all of them; {@link ScatteredThreads} takes over while they do not.
 */
public final class RegionProgram extends BlockProgram {
  /** In place of a region: no thread is left. */
  static final int ENDED = -1;

  private final RegionCode code;
  private final Stop[] stops;

  public RegionProgram(RegionCode code, List<Stop> stops) {
    this.code = code;
    this.stops = stops.toArray(Stop[]::new);
  }

  @Override
  public void run(BlockContext context) {
    BlockThreads threads = context.threads();
    threads.barriers.reset();
    int count = threads.count();
    int region = 0;
    while (region != ENDED) {
      long states = code.run(context, region, 0, count, false);
      int state = (int) states;
      if (state == (int) (states >>> 32)) {
        region = state == RegionCode.EXITED ? ENDED : together(context, threads, state);
      } else {
        region = ScatteredThreads.run(context, code, stops);
      }
    }
  }

  /** The region in which all threads go on that are all at the same stop. */
  private int together(BlockContext context, BlockThreads threads, int state) {
    context.poll();
    Stop stop = stops[state];
    boolean passed =
        switch (stop) {
          case Stop.Cut cut -> true;
          case Stop.Step step -> true;
          case Stop.Poll poll -> true;
          case Barrier barrier -> pass(threads, barrier);
          case Stop.Warp warp -> WarpExchange.together(threads, warp);
        };
    return passed ? stop.region() : ScatteredThreads.run(context, code, stops);
  }

  private static boolean pass(BlockThreads threads, Barrier barrier) {
    boolean isForAll =
        barrier.count() == Barrier.ALL
            || (barrier.count() == threads.warps() * BlockThreads.WARP
                && barrier.role() != Barrier.Role.ARRIVE);
    if (barrier.id() == Barrier.VARIABLE || !isForAll || !threads.barriers.isUntouched()) {
      return false;
    }
    if (barrier.role() != Barrier.Role.SYNC) {
      int holding = 0;
      for (int i = 0; i < threads.count(); i++) {
        holding += threads.third[i];
      }
      Arrays.fill(
          threads.results,
          0,
          threads.count(),
          Barriers.reduced(barrier.role(), holding, threads.count()));
    }
    return true;
  }
}
