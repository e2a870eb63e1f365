package io.farwarp.rdma.tcp;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * A segment of any size as the byte buffers that NIO takes: one for each GiB, made once, so that a
 * socket call on a part of the segment allocates nothing.
 */
final class PieceViews {
  private static final int PIECE_SHIFT = 30;
  private static final long PIECE_BYTES = 1L << PIECE_SHIFT;

  private final ByteBuffer[] pieces;

  PieceViews(MemorySegment memory) {
    long size = memory.byteSize();
    pieces = new ByteBuffer[(int) ((size + PIECE_BYTES - 1) >>> PIECE_SHIFT)];
    for (int i = 0; i < pieces.length; i++) {
      long start = (long) i << PIECE_SHIFT;
      pieces[i] = memory.asSlice(start, Math.min(PIECE_BYTES, size - start)).asByteBuffer();
    }
  }

  /**
   * The bytes from {@code offsetBytes}, at most {@code mostBytes} of them and fewer at a piece's
   * end; the buffer is valid until the next call.
   */
  ByteBuffer at(long offsetBytes, long mostBytes) {
    ByteBuffer piece = pieces[(int) (offsetBytes >>> PIECE_SHIFT)];
    int from = (int) (offsetBytes & (PIECE_BYTES - 1));
    int length = (int) Math.min(mostBytes, piece.capacity() - from);
    return piece.limit(from + length).position(from);
  }
}
