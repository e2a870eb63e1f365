package io.farwarp.rdma.shm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.farwarp.wire.Wire;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * The bytes of a connection's shared ring memory: two directions, each a consumed counter, a
 * waiting word and {@link Wire#RING_DEPTH} slots.
 *
 * <p>A slot is a word, then the message. The word is stored last, with release: message number in
 * its high 32 bits (counted from 1, modulo 2^32), then 16 bits of carried bytes, then 16 bits of
 * the message's length. Bytes between carried and length are zero and not in the slot. So the
 * ordinary 64-byte header whose last bytes are reserved shares the word's cache line.
 */
final class RingLayout {
  private RingLayout() {}

  static final int CONNECTOR_TO_LISTENER = 0;
  static final int LISTENER_TO_CONNECTOR = 1;

  /**
   * Messages consumed, 64 bits: stored by the consumer, read by a producer whose ring looks full.
   */
  static final long CONSUMED = 0;

  /** 32 bits: 1 while the consumer sleeps or is about to; the producer puts it back to 0. */
  static final long WAITING = 128;

  static final long SLOTS = 256;
  static final long MESSAGE = 8;
  static final long SLOT_BYTES = 1088;

  /** What fits beside the word in its cache line. */
  static final int FIRST_LINE_BYTES = 56;

  static final long DIRECTION_BYTES = pages(SLOTS + Wire.RING_DEPTH * SLOT_BYTES);
  static final long TOTAL_BYTES = 2 * DIRECTION_BYTES;

  static final VarHandle I64 = JAVA_LONG.varHandle();
  static final VarHandle I32 = JAVA_INT.varHandle();

  static MemorySegment direction(MemorySegment rings, int direction) {
    return rings.asSlice(direction * DIRECTION_BYTES, DIRECTION_BYTES);
  }

  static long slot(long messageNumber) {
    return SLOTS + ((messageNumber - 1) & (Wire.RING_DEPTH - 1)) * SLOT_BYTES;
  }

  /**
   * Copies what fits beside the word, eight bytes at a time: each load then finds the store that
   * made it, which a wider copy of fields just written has to wait for.
   */
  static void copyFirstLine(MemorySegment from, long fromOffset, MemorySegment to, long toOffset) {
    for (long at = 0; at < FIRST_LINE_BYTES; at += Long.BYTES) {
      to.set(JAVA_LONG, toOffset + at, from.get(JAVA_LONG, fromOffset + at));
    }
  }

  static long word(long messageNumber, int carriedBytes, int lengthBytes) {
    return messageNumber << 32 | (long) carriedBytes << 16 | lengthBytes;
  }

  private static long pages(long bytes) {
    return (bytes + 4095) & ~4095L;
  }
}
