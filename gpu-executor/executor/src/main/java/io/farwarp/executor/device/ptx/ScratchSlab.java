package io.farwarp.executor.device.ptx;

import io.farwarp.executor.device.NativeBudget;
import io.farwarp.wire.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Memory of a stream for the scratch tensors of the invocation that runs: it grows to the largest
 * one's need, within the worker's budget, and stays. Used by one thread at a time.
 */
final class ScratchSlab implements AutoCloseable {
  /** Scratch tensors start at multiples of this, as tensors do in the window. */
  private final NativeBudget budget;

  private Arena arena = Arena.ofShared();
  private MemorySegment memory = MemorySegment.NULL;

  ScratchSlab(NativeBudget budget) {
    this.budget = budget;
  }

  /** At least {@code bytes} of memory, content undefined; null if the budget has not so much. */
  @SuppressWarnings("MustBeClosedChecker") // closed when it is replaced, or with the slab
  @Nullable MemorySegment ofAtLeast(long bytes) {
    long heldBytes = memory.byteSize();
    if (heldBytes < bytes) {
      if (!budget.take(bytes - heldBytes)) {
        return null;
      }
      arena.close();
      memory = MemorySegment.NULL;
      arena = Arena.ofShared();
      try {
        memory = arena.allocate(bytes, Wire.TENSOR_ALIGNMENT_BYTES);
      } finally {
        budget.give(bytes - memory.byteSize()); // all of it if the host has no memory
      }
    }
    return memory;
  }

  @Override
  public void close() {
    budget.give(memory.byteSize());
    memory = MemorySegment.NULL;
    arena.close();
  }
}
