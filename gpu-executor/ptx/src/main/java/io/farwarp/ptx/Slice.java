package io.farwarp.ptx;

import java.lang.foreign.MemorySegment;

/**
 * A range of the caller's memory that was bound to a parameter.
 *
 * @param segment the range itself
 */
record Slice(MemorySegment memory, long offsetBytes, MemorySegment segment) {
  static Slice of(MemorySegment memory, long offsetBytes, long lengthBytes) {
    requireNative(memory);
    return new Slice(memory, offsetBytes, memory.asSlice(offsetBytes, lengthBytes));
  }

  boolean matches(MemorySegment other, long offset, long lengthBytes) {
    return offsetBytes == offset
        && segment.byteSize() == lengthBytes
        && memory.equals(other)
        && memory.isReadOnly() == other.isReadOnly();
  }

  static void requireNative(MemorySegment memory) {
    if (!memory.isNative()) {
      throw new IllegalArgumentException("a kernel's memory must be native, not on the heap");
    }
  }
}
