package io.farwarp.rdma;

import java.lang.foreign.MemorySegment;

/**
 * Memory of this side, registered with one queue pair: the source of its writes and, once the peer
 * has the descriptor, a target of the peer's. The memory must stay alive until the region is
 * closed.
 */
public interface MemoryRegion extends AutoCloseable {
  MemorySegment memory();

  /**
   * What the peer gives to {@link QueuePair#importRegion}; at most {@link
   * QueuePair#MAX_DESCRIPTOR_BYTES}.
   */
  byte[] descriptor();

  /** After this the peer's writes to it fail. Not while a write from it is posted. */
  @Override
  void close();
}
