package io.farwarp.ptx;

import io.farwarp.ptx.runtime.BlockContext;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The local and shared memory of one worker, used by block after block. */
final class BlockMemory {
  private static final long ALIGN = 128;

  private final Arena arena;
  private MemorySegment local = MemorySegment.NULL;
  private int[] shared = new int[0];
  private long localBytes = -1;

  BlockMemory(Arena arena) {
    this.arena = arena;
  }

  /** Gives a context memory of the size that a launch needs; keeps what is large enough. */
  void fit(BlockContext context, PtxKernel kernel, int threads, int dynamicSharedBytes) {
    long localNeeded = kernel.localBytes(threads);
    int words = (kernel.staticSharedBytes() + dynamicSharedBytes + 3) / 4;
    if (localNeeded == localBytes && words == shared.length) {
      return;
    }
    if (localNeeded > local.byteSize()) {
      local = arena.allocate(localNeeded, ALIGN);
    }
    if (words != shared.length) {
      // Its length is the bounds check.
      shared = new int[words];
    }
    localBytes = localNeeded;
    context.give(local.asSlice(0, localNeeded), kernel.callBytes(), shared);
  }
}
