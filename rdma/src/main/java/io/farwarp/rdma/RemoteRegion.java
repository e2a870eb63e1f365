package io.farwarp.rdma;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Memory of the peer's that this side may write to: the target of one-sided writes. */
public interface RemoteRegion {
  long sizeBytes();

  /**
   * The very pages, where both processes map them ({@code shm}): what is stored there needs no
   * write. Valid until the queue pair is closed.
   */
  Optional<MemorySegment> mapped();
}
