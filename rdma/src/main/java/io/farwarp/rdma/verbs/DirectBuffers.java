package io.farwarp.rdma.verbs;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** What DiSNI's MemoryUtils is made to call. */
public final class DirectBuffers {
  private DirectBuffers() {}

  /** Where a direct buffer's first byte lies, whatever its position. */
  public static long address(ByteBuffer buffer) {
    return MemorySegment.ofBuffer(buffer.duplicate().clear()).address();
  }
}
