package io.farwarp.rdma.shm;

import io.farwarp.rdma.MemoryRegion;
import java.lang.foreign.MemorySegment;

/** Memory of this side; {@code descriptor} reaches the peer only where it is exposed memory. */
record ShmRegion(MemorySegment memory, RegionDescriptor place) implements MemoryRegion {
  @Override
  public byte[] descriptor() {
    return place.encode();
  }

  @Override
  public void close() {
    // A peer that maps the pages cannot be kept from them: shm revokes by ending the connection.
  }
}
