package io.farwarp.rdma.verbs.disni;

import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Where the messages of one direction lie, at either side: {@link Wire#RING_DEPTH} slots and one
 * for the farewell. The receiver tells the sender where its own begin; address i64, key u32,
 * reserved u32.
 */
record MessageRing(long address, int key) {
  static final int FAREWELL_SLOT = Wire.RING_DEPTH;
  static final int GRANT_BYTES = 16;
  private static final long SLOTS = Wire.RING_DEPTH + 1L;

  static MemorySegment allocate() {
    return Arena.ofAuto().allocate(SLOTS * Wire.MAX_MESSAGE_BYTES, 64);
  }

  static byte[] grant(VerbsRegion ring) {
    return ByteBuffer.allocate(GRANT_BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(ring.memory().address())
        .putInt(ring.remoteKey())
        .array();
  }

  static MessageRing decode(byte[] grant) throws IOException {
    if (grant.length != GRANT_BYTES) {
      throw new IOException("grant of %d bytes; it takes %d".formatted(grant.length, GRANT_BYTES));
    }
    ByteBuffer in = ByteBuffer.wrap(grant).order(ByteOrder.LITTLE_ENDIAN);
    return new MessageRing(in.getLong(), in.getInt());
  }

  static long offset(int slot) {
    return (long) slot * Wire.MAX_MESSAGE_BYTES;
  }

  long addressOf(int slot) {
    return address + offset(slot);
  }
}
