package io.farwarp.executor.device.cuda;

import java.lang.foreign.MemorySegment;
import jcuda.Pointer;

/** An address of host memory for JCuda, which has no public way to take one. */
final class RawPointer extends Pointer {
  private RawPointer(long address) {
    super(address);
  }

  /** Of native memory, that the caller keeps alive. */
  static RawPointer of(MemorySegment memory) {
    return new RawPointer(memory.address());
  }
}
