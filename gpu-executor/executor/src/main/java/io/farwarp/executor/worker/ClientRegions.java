package io.farwarp.executor.worker;

import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.RemoteRegion;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** The client's regions that it has made known in a session, by their ids. */
final class ClientRegions {
  private final @Nullable RemoteRegion[] regions =
      new @Nullable RemoteRegion[Wire.MAX_CLIENT_REGIONS];

  /** Null: no such region. */
  @Nullable RemoteRegion find(int id) {
    return id >= 0 && id < regions.length ? regions[id] : null;
  }

  /**
   * Takes a region; one that had the id before is forgotten.
   *
   * @throws IOException the id or the descriptor is not valid
   */
  void add(int id, QueuePair queuePair, MemorySegment buffer, long offsetBytes, int lengthBytes)
      throws IOException {
    if (id < 0 || id >= regions.length) {
      throw new IOException(
          "region id %d; ids are 0 to %d"
              .formatted(Integer.toUnsignedLong(id), regions.length - 1));
    }
    if (lengthBytes > QueuePair.MAX_DESCRIPTOR_BYTES) {
      throw new IOException(
          "a region descriptor of %d bytes; the limit is %d"
              .formatted(lengthBytes, QueuePair.MAX_DESCRIPTOR_BYTES));
    }
    byte[] descriptor = buffer.asSlice(offsetBytes, lengthBytes).toArray(ValueLayout.JAVA_BYTE);
    regions[id] = queuePair.importRegion(descriptor);
  }
}
