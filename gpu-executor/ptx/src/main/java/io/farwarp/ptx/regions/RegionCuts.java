package io.farwarp.ptx.regions;

import io.farwarp.ptx.ir.BasicBlock;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Where a region that is too long is cut. Its blocks stand in a row; a cut goes between two of
 * them, and every edge over it, forward or back, is made to end at a cut. So the parts are apart
 * even where the cut goes through branches or a loop.
 */
public final class RegionCuts {
  /** A cut may come later than a length by one part in so many. */
  private static final int SEARCHED_PART = 4;

  private final List<BasicBlock> blocks;
  private final Map<BasicBlock, Integer> positions = new HashMap<>();

  /** How many edges go over the place before each block. */
  private final int[] crossing;

  private final Set<BasicBlock> cuts = new HashSet<>();

  private RegionCuts(Region region) {
    blocks = region.blocks();
    crossing = new int[blocks.size() + 1];
    for (BasicBlock block : blocks) {
      positions.put(block, positions.size());
    }
    forEachEdge((from, to) -> {
      crossing[Math.min(from, to) + 1]++;
      crossing[Math.max(from, to) + 1]--;
    });
    for (int i = 1; i < crossing.length; i++) {
      crossing[i] += crossing[i - 1];
    }
  }

  /** The blocks at which a region must be cut to fall into about so many parts, at least two. */
  public static Set<BasicBlock> dividing(Region region, int parts) {
    RegionCuts cuts = new RegionCuts(region);
    cuts.divide(Math.max(1, region.size() / Math.max(2, parts)));
    return cuts.cuts;
  }

  private interface EdgeAction {
    void accept(int from, int to);
  }

  private void forEachEdge(EdgeAction action) {
    for (int from = 0; from < blocks.size(); from++) {
      for (BasicBlock next : RegionPlan.within(blocks.get(from))) {
        Integer to = positions.get(next);
        if (to != null) {
          action.accept(from, to);
        }
      }
    }
  }

  /** Puts every block at which an edge comes in from another part among the cuts. */
  private void divide(int length) {
    int[] parts = parts(length);
    forEachEdge((from, to) -> {
      if (parts[from] != parts[to]) {
        cuts.add(blocks.get(to));
      }
    });
  }

  /** The number of each block's part. */
  private int[] parts(int length) {
    Set<Integer> starts = starts(length);
    int[] parts = new int[blocks.size()];
    for (int i = 1; i < parts.length; i++) {
      parts[i] = parts[i - 1] + (starts.contains(i) ? 1 : 0);
    }
    return parts;
  }

  /** Where a part has its length, or soon after, and the fewest edges go over. */
  private Set<Integer> starts(int length) {
    Set<Integer> starts = new HashSet<>();
    int since = 0;
    int best = 0;
    for (int i = 1; i < blocks.size(); i++) {
      since += blocks.get(i - 1).instructions().size();
      if (since >= length && (best == 0 || crossing[i] < crossing[best])) {
        best = i;
      }
      if (best != 0 && since >= length + length / SEARCHED_PART) {
        starts.add(best);
        best = 0;
        since = 0;
      }
    }
    if (best != 0) {
      starts.add(best);
    }
    return starts;
  }
}
