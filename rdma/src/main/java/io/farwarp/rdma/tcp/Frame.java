package io.farwarp.rdma.tcp;

import io.farwarp.wire.Wire;
import java.lang.foreign.MemorySegment;

/**
 * The 32-byte header that every frame starts with: type u32, reserved u32 (zero), key i64, offset
 * i64, length i64; then {@code length} bytes.
 */
final class Frame {
  private Frame() {}

  static final int HEADER_BYTES = 32;

  /** A message; key and offset are zero. */
  static final int MESSAGE = 1;

  /** Bytes for the region named by key, at the offset. */
  static final int WRITE = 2;

  /** The last frame: why the sender ends the connection, in UTF-8, or nothing if it just closes. */
  static final int FAREWELL = 3;

  private static final long TYPE = 0;
  private static final long RESERVED = 4;
  private static final long KEY = 8;
  private static final long OFFSET = 16;
  private static final long LENGTH = 24;

  static void put(
      MemorySegment buffer, long at, int type, long key, long offsetBytes, long lengthBytes) {
    buffer.set(Wire.U32, at + TYPE, type);
    buffer.set(Wire.U32, at + RESERVED, 0);
    buffer.set(Wire.I64, at + KEY, key);
    buffer.set(Wire.I64, at + OFFSET, offsetBytes);
    buffer.set(Wire.I64, at + LENGTH, lengthBytes);
  }

  static int type(MemorySegment buffer, long at) {
    return buffer.get(Wire.U32, at + TYPE);
  }

  static long key(MemorySegment buffer, long at) {
    return buffer.get(Wire.I64, at + KEY);
  }

  static long offsetBytes(MemorySegment buffer, long at) {
    return buffer.get(Wire.I64, at + OFFSET);
  }

  static long lengthBytes(MemorySegment buffer, long at) {
    return buffer.get(Wire.I64, at + LENGTH);
  }
}
