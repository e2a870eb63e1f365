package io.farwarp.rdma.tcp;

import io.farwarp.rdma.RemoteRegion;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/** A region of the peer's, which checks every write against it again. */
record TcpRemoteRegion(TcpQueuePair owner, long key, long sizeBytes) implements RemoteRegion {
  static TcpRemoteRegion decode(TcpQueuePair owner, byte[] descriptor) throws IOException {
    if (descriptor.length != TcpRegion.DESCRIPTOR_BYTES) {
      throw new IOException(
          "tcp region descriptor of %d bytes; it takes %d"
              .formatted(descriptor.length, TcpRegion.DESCRIPTOR_BYTES));
    }
    ByteBuffer in = ByteBuffer.wrap(descriptor).order(ByteOrder.LITTLE_ENDIAN);
    long key = in.getLong();
    long size = in.getLong();
    if (size < 0) {
      throw new IOException("tcp region of " + size + " bytes");
    }
    return new TcpRemoteRegion(owner, key, size);
  }

  @Override
  public Optional<MemorySegment> mapped() {
    return Optional.empty();
  }
}
