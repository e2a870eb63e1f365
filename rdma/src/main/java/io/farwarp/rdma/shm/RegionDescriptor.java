package io.farwarp.rdma.shm;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Where a region of shm lies: a range of the listener's exposed memory, or memory that no other
 * process maps. On the wire: kind i64, offset i64, length i64.
 */
record RegionDescriptor(boolean exposed, long offsetBytes, long lengthBytes) {
  private static final int BYTES = 24;
  private static final long PRIVATE = 0;
  private static final long EXPOSED = 1;

  byte[] encode() {
    return ByteBuffer.allocate(BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(exposed ? EXPOSED : PRIVATE)
        .putLong(offsetBytes)
        .putLong(lengthBytes)
        .array();
  }

  static RegionDescriptor decode(byte[] bytes, long exposedBytes) throws IOException {
    if (bytes.length != BYTES) {
      throw new IOException(
          "shm region descriptor of %d bytes; it takes %d".formatted(bytes.length, BYTES));
    }
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    long kind = in.getLong();
    long offset = in.getLong();
    long length = in.getLong();
    if (kind == PRIVATE) {
      throw new IOException(
          "shm cannot reach memory that the peer allocated for itself: it must lie in the exposed"
              + " window, which both sides map");
    }
    if (kind != EXPOSED) {
      throw new IOException("shm region descriptor of kind " + kind + "; 0 and 1 are known");
    }
    if (offset < 0 || length < 0 || length > exposedBytes || offset > exposedBytes - length) {
      throw new IOException(
          "shm region of %d bytes at %d; the exposed memory has %d"
              .formatted(length, offset, exposedBytes));
    }
    return new RegionDescriptor(true, offset, length);
  }
}
