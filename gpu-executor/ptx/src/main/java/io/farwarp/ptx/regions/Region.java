package io.farwarp.ptx.regions;

import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Instruction;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a thread runs from one stop to the next.
 *
 * @param index its number; region 0 starts the kernel
 * @param head where it starts
 * @param resumed the instruction whose results the thread finds when it goes on, or null
 * @param blocks all that can be reached without a stop, in the order of the text; a block may
 *     belong to several regions
 */
public record Region(
    int index,
    BasicBlock head,
    @Nullable Instruction resumed,
    List<BasicBlock> blocks,
    Set<BasicBlock> members) {

  /** Instructions in it. */
  public int size() {
    return blocks.stream().mapToInt(block -> block.instructions().size()).sum();
  }
}
