package io.farwarp.ptx.codegen;

import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.VirtualRegister;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Gives registers JVM local slots by linear scan: registers whose live ranges do not meet share a
 * slot, which keeps slot numbers small and the bytecode short.
 */
final class SlotAllocator {
  private static final class Range {
    final VirtualRegister register;
    int start = Integer.MAX_VALUE;
    int end = -1;

    Range(VirtualRegister register) {
      this.register = register;
    }

    void include(int position) {
      start = Math.min(start, position);
      end = Math.max(end, position);
    }

    void clear() {
      start = Integer.MAX_VALUE;
      end = -1;
    }

    int start() {
      return start;
    }

    int end() {
      return end;
    }
  }

  private final Range[] ranges;
  private final Fusion fusion;
  private int position;

  private SlotAllocator(Function function, Fusion fusion) {
    this.fusion = fusion;
    ranges = new Range[function.registers().size()];
    for (VirtualRegister register : function.registers()) {
      ranges[register.index()] = new Range(register);
    }
  }

  /**
   * The slot of each register, by index.
   *
   * @param blocks what the method holds
   * @param head the block that it starts with, if that may not be the first
   * @param prologue instructions whose results keep their value over all threads
   */
  static int[] allocate(
      Analysis analysis,
      List<BasicBlock> blocks,
      @Nullable BasicBlock head,
      List<Instruction> prologue,
      int firstSlot) {
    SlotAllocator allocator = new SlotAllocator(analysis.function(), analysis.fusion());
    if (head != null) {
      head.liveIn().stream().forEach(register -> allocator.ranges[register].include(0));
    }
    for (BasicBlock block : blocks) {
      allocator.scan(block);
    }
    for (VirtualRegister register : analysis.function().registers()) {
      if (analysis.invariants().permanent().get(register.index())) {
        allocator.ranges[register.index()].clear();
      }
    }
    for (Instruction instruction : prologue) {
      instruction.forEachDefined(register -> {
        allocator.ranges[register.index()].include(0);
        allocator.ranges[register.index()].include(allocator.position + 1);
      });
    }
    return allocator.assign(firstSlot, analysis.invariants().folded());
  }

  private void scan(BasicBlock block) {
    int first = ++position;
    block.liveIn().stream().forEach(register -> ranges[register].include(first));
    for (Instruction instruction : block.instructions()) {
      int at = ++position;
      instruction.forEachUsed(register -> use(register, at));
      instruction.forEachDefined(register -> ranges[register.index()].include(at));
    }
    int last = ++position;
    block.liveOut().stream().forEach(register -> ranges[register].include(last));
  }

  private void use(VirtualRegister register, int at) {
    ranges[register.index()].include(at);
    Instruction comparison = fusion.comparison(register);
    if (comparison != null) {
      comparison.forEachUsed(input -> ranges[input.index()].include(at));
    }
  }

  private int[] assign(int firstSlot, BitSet without) {
    int[] slots = new int[ranges.length];
    List<Range> order = new ArrayList<>();
    for (Range range : ranges) {
      if (range.end >= 0 && !without.get(range.register.index())) {
        order.add(range);
      }
    }
    order.sort(Comparator.comparingInt(Range::start));
    PriorityQueue<Range> active = new PriorityQueue<>(Comparator.comparingInt(Range::end));
    List<ArrayDeque<Integer>> free = List.of(new ArrayDeque<>(), new ArrayDeque<>());
    int next = firstSlot;
    for (Range range : order) {
      while (!active.isEmpty() && active.peek().end < range.start) {
        Range ended = active.remove();
        free.get(ended.register.kind().slotSize() - 1).push(slots[ended.register.index()]);
      }
      int size = range.register.kind().slotSize();
      Integer reused = free.get(size - 1).poll();
      slots[range.register.index()] = reused != null ? reused : next;
      next += reused != null ? 0 : size;
      active.add(range);
    }
    return slots;
  }
}
