package io.farwarp.rdma.tcp;

import io.farwarp.rdma.MemoryRegion;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Memory of this side under a key that the peer names it by. Descriptor: key i64, size i64.
 * Separate views for sending and receiving, since both may be under way in it.
 */
final class TcpRegion implements MemoryRegion {
  static final int DESCRIPTOR_BYTES = 16;

  private final RegionTable table;
  private final long key;
  private final MemorySegment memory;
  private final PieceViews outbound;
  private final PieceViews inbound;
  private boolean closed;

  TcpRegion(RegionTable table, long key, MemorySegment memory) {
    this.table = table;
    this.key = key;
    this.memory = memory;
    this.outbound = new PieceViews(memory);
    this.inbound = new PieceViews(memory);
  }

  long key() {
    return key;
  }

  RegionTable table() {
    return table;
  }

  PieceViews outbound() {
    return outbound;
  }

  PieceViews inbound() {
    return inbound;
  }

  boolean isClosed() {
    return closed;
  }

  @Override
  public MemorySegment memory() {
    return memory;
  }

  @Override
  public byte[] descriptor() {
    return ByteBuffer.allocate(DESCRIPTOR_BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(key)
        .putLong(memory.byteSize())
        .array();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      table.remove(this);
    }
  }
}
