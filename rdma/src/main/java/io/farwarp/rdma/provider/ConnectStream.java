package io.farwarp.rdma.provider;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * The byte stream of a connection that is being opened. Each call blocks until all bytes have moved
 * or {@code deadlineNs} of {@link System#nanoTime} has passed, which is an {@link IOException}, as
 * is the end of the stream.
 */
public interface ConnectStream {
  void write(MemorySegment bytes, long deadlineNs) throws IOException;

  void read(MemorySegment bytes, long deadlineNs) throws IOException;
}
