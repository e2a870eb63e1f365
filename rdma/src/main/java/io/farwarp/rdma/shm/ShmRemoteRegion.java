package io.farwarp.rdma.shm;

import io.farwarp.rdma.RemoteRegion;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A range of the exposed memory, as this side maps it. */
record ShmRemoteRegion(ShmQueuePair owner, MemorySegment pages) implements RemoteRegion {
  @Override
  public long sizeBytes() {
    return pages.byteSize();
  }

  @Override
  public Optional<MemorySegment> mapped() {
    return Optional.of(pages);
  }
}
