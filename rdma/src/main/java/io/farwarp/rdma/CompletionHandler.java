package io.farwarp.rdma;

import java.lang.foreign.MemorySegment;

/**
 * Receives what {@link QueuePair#poll} finds, on the polling thread. Must not block and must not
 * close the queue pair; may post.
 */
public interface CompletionHandler {
  /**
   * A message from the peer. All that the peer wrote before it is visible now.
   *
   * @param buffer holds the message at {@code offsetBytes}; private to this side, so that its bytes
   *     do not change; valid during the call
   * @param lengthBytes 1 to {@link io.farwarp.wire.Wire#MAX_MESSAGE_BYTES}
   */
  void message(MemorySegment buffer, long offsetBytes, int lengthBytes);

  /** A signalled write has ended; exactly once for each. */
  void written(long workRequestId, WriteStatus status);

  /** The connection has ended; once, after every {@link #written}. Nothing arrives after it. */
  void disconnected(String reason);
}
