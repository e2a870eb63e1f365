package io.farwarp.ptx.ir;

import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where the lanes of a warp go in step without being told to. Code from before sm_70 reduces and
 * scans within a warp by volatile accesses to shared memory and nothing else: GPUs that run a warp
 * together have read for all lanes before one writes, and have written before one reads. CUDA
 * promises it no longer, and it mostly still works, so it does here.
 */
public final class Lockstep {
  private Lockstep() {}

  /**
   * Whether an access is volatile and may be one of shared memory; unoptimised code has generic
   * addresses.
   */
  static boolean isAccess(Instruction instruction) {
    boolean accesses = instruction.opcode() == Opcode.LD || instruction.opcode() == Opcode.ST;
    return accesses
        && instruction.modifiers().has("volatile")
        && instruction.modifiers().oneOf("", "global", "local", "const", "param").isEmpty();
  }

  /** Whether lanes go in step between the last such access, if there was one, and the next. */
  static boolean divides(@Nullable Opcode last, Instruction next) {
    return isAccess(next) && last != next.opcode();
  }

  /** Whether lanes may exchange values by a function's own accesses. */
  public static boolean isIn(Function function) {
    Set<Opcode> found = new HashSet<>();
    for (BasicBlock block : function.blocks()) {
      for (Instruction instruction : block.instructions()) {
        if (isAccess(instruction)) {
          found.add(instruction.opcode());
        }
      }
    }
    return found.size() == 2;
  }

  /** The blocks that lanes begin in step, of a function that {@link Inlining} has prepared. */
  public static Set<BasicBlock> steps(Function function) {
    Set<BasicBlock> steps = new HashSet<>();
    if (isIn(function)) {
      for (BasicBlock block : function.blocks()) {
        if (!block.instructions().isEmpty() && isAccess(block.instructions().getFirst())) {
          steps.add(block);
        }
      }
    }
    return steps;
  }
}
