package io.farwarp.simcuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.lang.foreign.MemorySegment;

/** Text for C. */
final class Text {
  private Text() {}

  /** Copies as much as fits, and a zero behind it. */
  static void copy(String text, MemorySegment buffer, long bufferBytes) {
    byte[] bytes = text.getBytes(UTF_8);
    int length = (int) Math.min(bytes.length, bufferBytes - 1);
    MemorySegment target = buffer.reinterpret(bufferBytes);
    MemorySegment.copy(bytes, 0, target, JAVA_BYTE, 0, length);
    target.set(JAVA_BYTE, length, (byte) 0);
  }
}
