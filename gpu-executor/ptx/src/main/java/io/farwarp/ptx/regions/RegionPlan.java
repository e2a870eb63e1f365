package io.farwarp.ptx.regions;

import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Lockstep;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The regions of a kernel. One starts at its first block, one after each instruction that suspends,
 * one at the head of each loop that yields, one where lanes go in step, and one at each block where
 * the kernel is cut because its methods would get too long.
 *
 * <p>Blocks that several regions reach are copied into each, as long as that does not make the
 * kernel much longer: a copy saves the threads a stop. Beyond that, each such block is cut.
 */
public final class RegionPlan {
  /** How many instructions the copies may make of one. */
  private static final int MOST_GROWTH = 3;

  /** Copies up to this total are always made. */
  private static final int SMALL_KERNEL = 1_500;

  /**
   * Where a region starts.
   *
   * @param giving the block whose last instruction has results that the thread finds, or null
   */
  private record Head(BasicBlock block, @Nullable BasicBlock giving) {
    @Nullable Instruction resumed() {
      return giving == null ? null : last(giving);
    }
  }

  private final Function function;
  private final Set<Instruction> yielding;
  private final Set<BasicBlock> steps;
  private final Set<BasicBlock> cuts = new HashSet<>();
  private final Map<Head, Region> regions = new LinkedHashMap<>();
  private final List<Region> ordered = new ArrayList<>();

  private RegionPlan(Function function, Set<Instruction> yielding) {
    this.function = function;
    this.yielding = yielding;
    steps = Lockstep.steps(function);
    addHeadsOfStepping();
    cuts.addAll(steps);
  }

  /**
   * Plans a function that {@link io.farwarp.ptx.ir.Inlining} has prepared.
   *
   * @param yielding the backward branches at which threads let others run, now and then
   * @param cuts blocks at which regions end in any case
   */
  public static RegionPlan of(Function function, Set<Instruction> yielding, Set<BasicBlock> cuts) {
    RegionPlan plan = new RegionPlan(function, yielding);
    plan.cuts.addAll(cuts);
    if (!plan.build(Math.max(SMALL_KERNEL, MOST_GROWTH * function.size()))) {
      plan.cutWhereRegionsMeet();
      plan.build(Integer.MAX_VALUE);
    }
    return plan;
  }

  /** Lanes are in step at the ends of loops in which they go in step. */
  private void addHeadsOfStepping() {
    if (!steps.isEmpty()) {
      for (Loops.Loop loop : Loops.of(function)) {
        if (!Collections.disjoint(steps, loop.body())) {
          steps.add(loop.body().getFirst());
        }
      }
    }
  }

  /** All heads, in the order of the text. */
  private List<Head> heads() {
    Set<Head> heads = new LinkedHashSet<>();
    heads.add(new Head(function.blocks().getFirst(), null));
    for (BasicBlock block : function.blocks()) {
      Instruction last = last(block);
      if (last != null && last.opcode().suspends()) {
        heads.add(after(block, last));
      } else if (last != null && yielding.contains(last)) {
        Loops.headsClosedBy(block).forEach(target -> heads.add(new Head(target, null)));
      }
      if (cuts.contains(block)) {
        heads.add(new Head(block, null));
      }
    }
    return heads.stream().sorted(Comparator.comparingInt(head -> head.block().index())).toList();
  }

  static @Nullable Instruction last(BasicBlock block) {
    return block.instructions().isEmpty() ? null : block.instructions().getLast();
  }

  private static Head after(BasicBlock block, Instruction suspending) {
    return new Head(block.successors().getFirst(), suspending.destinations() > 0 ? block : null);
  }

  /** Whether the regions have no more than {@code limit} instructions together. */
  private boolean build(int limit) {
    regions.clear();
    ordered.clear();
    long total = 0;
    for (Head head : heads()) {
      Region region = region(ordered.size(), head);
      regions.put(head, region);
      ordered.add(region);
      total += region.size();
      if (total > limit) {
        return false;
      }
    }
    return true;
  }

  private Region region(int index, Head head) {
    Set<BasicBlock> members = new HashSet<>();
    ArrayDeque<BasicBlock> pending = new ArrayDeque<>();
    members.add(head.block());
    pending.add(head.block());
    while (!pending.isEmpty()) {
      for (BasicBlock next : within(pending.pop())) {
        boolean stays = !cuts.contains(next) || isOwnHead(head, next);
        if (stays && members.add(next)) {
          pending.add(next);
        }
      }
    }
    List<BasicBlock> blocks = new ArrayList<>(members);
    blocks.sort(Comparator.comparingInt(BasicBlock::index));
    return new Region(index, head.block(), head.resumed(), blocks, members);
  }

  private static boolean isOwnHead(Head head, BasicBlock block) {
    return head.block() == block && head.giving() == null;
  }

  /** Where control goes from a block without a stop. */
  static List<BasicBlock> within(BasicBlock block) {
    Instruction last = last(block);
    boolean stops = last != null && last.opcode().suspends() && last.guard() == null;
    return stops ? List.of() : block.successors();
  }

  /** Makes each block that two heads reach a head itself, until no block belongs to two regions. */
  private void cutWhereRegionsMeet() {
    boolean changed = true;
    while (changed) {
      changed = false;
      Map<BasicBlock, Head> owners = new HashMap<>();
      for (Head head : heads()) {
        changed |= claim(head, owners);
      }
    }
  }

  private boolean claim(Head head, Map<BasicBlock, Head> owners) {
    boolean changed = false;
    ArrayDeque<BasicBlock> pending = new ArrayDeque<>(List.of(head.block()));
    Head before = owners.putIfAbsent(head.block(), head);
    if (before != null && !before.equals(head) && head.giving() == null) {
      changed = cuts.add(head.block());
    }
    while (!pending.isEmpty()) {
      for (BasicBlock next : within(pending.pop())) {
        Head owner = owners.get(next);
        if (cuts.contains(next) || head.equals(owner)) {
          continue;
        }
        if (owner != null) {
          cuts.add(next);
          changed = true;
        } else {
          owners.put(next, head);
          pending.add(next);
        }
      }
    }
    return changed;
  }

  public Function function() {
    return function;
  }

  /** All regions by index. */
  public List<Region> regions() {
    return ordered;
  }

  /** Whether a backward branch closes a loop in which threads let others run. */
  public boolean isYielding(Instruction branch) {
    return yielding.contains(branch);
  }

  /** Whether the lanes of a warp begin a block in step. */
  public boolean isStep(BasicBlock block) {
    return steps.contains(block);
  }

  /**
   * Where in the text a thread is that goes from one block to another: at twice the index of the
   * region that starts there, or, where it goes back, just before what comes after.
   */
  public int place(BasicBlock from, BasicBlock to) {
    if (to.index() > from.index()) {
      return 2 * at(to).index();
    }
    long before = ordered.stream().filter(region -> region.head().index() <= from.index()).count();
    return (int) (2 * before - 1);
  }

  /** The region of a thread that an instruction has suspended. */
  public Region after(BasicBlock block) {
    Instruction last = last(block);
    if (last == null || !last.opcode().suspends()) {
      throw new IllegalArgumentException("block " + block.index() + " does not suspend");
    }
    return existing(after(block, last));
  }

  /** The region that starts at a block. */
  public Region at(BasicBlock block) {
    return existing(new Head(block, null));
  }

  /** The regions in which threads may go on that stop in one. */
  public Collection<Region> following(Region region) {
    Map<Integer, Region> following = new TreeMap<>();
    for (BasicBlock block : region.blocks()) {
      Instruction last = last(block);
      List<Region> next = new ArrayList<>();
      if (last != null && last.opcode().suspends()) {
        next.add(after(block));
      } else if (last != null && yielding.contains(last)) {
        Loops.headsClosedBy(block).forEach(target -> next.add(at(target)));
      }
      for (BasicBlock successor : within(block)) {
        if (!region.members().contains(successor)) {
          next.add(at(successor));
        }
      }
      next.forEach(r -> following.put(r.index(), r));
    }
    return following.values();
  }

  private Region existing(Head head) {
    Region region = regions.get(head);
    if (region == null) {
      throw new IllegalStateException("no region at block " + head.block().index());
    }
    return region;
  }
}
