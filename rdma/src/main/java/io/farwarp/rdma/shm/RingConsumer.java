package io.farwarp.rdma.shm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.farwarp.rdma.linux.Futex;
import io.farwarp.wire.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The receiving end of one direction. Its own count is private; what the shared pages say of a
 * message is read once and checked, and its bytes are copied out before anyone looks at them.
 */
final class RingConsumer {
  private final MemorySegment ring;
  private final MemorySegment waiting;
  private final MemorySegment message = Arena.ofAuto().allocate(Wire.MAX_MESSAGE_BYTES, 64);
  private final Futex futex = new Futex();
  private long consumed;
  private @Nullable String fault;

  RingConsumer(MemorySegment ring) {
    this.ring = ring;
    this.waiting = ring.asSlice(RingLayout.WAITING, Integer.BYTES);
  }

  /** The copy of the message that {@link #take} took; overwritten by the next. */
  MemorySegment message() {
    return message;
  }

  boolean ready() {
    long word = (long) RingLayout.I64.getAcquire(ring, RingLayout.slot(consumed + 1));
    return (int) (word >>> 32) == (int) (consumed + 1);
  }

  /**
   * Takes the next message; returns its length, or 0 if there is none or the peer broke the ring.
   */
  int take() {
    long number = consumed + 1;
    long slot = RingLayout.slot(number);
    long word = (long) RingLayout.I64.getAcquire(ring, slot);
    if ((int) (word >>> 32) != (int) number) {
      return 0;
    }
    int length = (int) (word & 0xFFFF);
    int carried = (int) (word >>> 16 & 0xFFFF);
    if (length == 0 || length > Wire.MAX_MESSAGE_BYTES || carried > length) {
      fault =
          "the peer's message %d has %d bytes, %d of them carried; the limit is %d"
              .formatted(number, length, carried, Wire.MAX_MESSAGE_BYTES);
      return 0;
    }
    copyOut(slot + RingLayout.MESSAGE, carried, length);
    consumed = number;
    RingLayout.I64.setRelease(ring, RingLayout.CONSUMED, number);
    return length;
  }

  private void copyOut(long offset, int carried, int length) {
    if (carried == RingLayout.FIRST_LINE_BYTES && length == Wire.HEADER_BYTES) {
      RingLayout.copyFirstLine(ring, offset, message, 0);
      message.set(JAVA_LONG, RingLayout.FIRST_LINE_BYTES, 0);
      return;
    }
    MemorySegment.copy(ring, offset, message, 0, carried);
    if (carried < length) {
      message.asSlice(carried, length - carried).fill((byte) 0);
    }
  }

  /** What the peer did wrong, if anything. */
  @Nullable String fault() {
    return fault;
  }

  /** Says that this side is about to sleep; whoever looks for work after it misses nothing. */
  void announceSleep() {
    RingLayout.I32.setVolatile(ring, RingLayout.WAITING, 1);
    VarHandle.fullFence();
  }

  /** Sleeps unless somebody has woken it since {@link #announceSleep}. */
  void sleep(long timeoutNs) {
    futex.await(waiting, 1, timeoutNs);
  }

  /** The same until {@link #wakeSelf} or a message, whenever that is. */
  void sleep() {
    futex.await(waiting, 1);
  }

  void endSleep() {
    RingLayout.I32.setVolatile(ring, RingLayout.WAITING, 0);
  }

  /** Ends a sleep of this very side; any thread. */
  void wakeSelf() {
    RingLayout.I32.setVolatile(ring, RingLayout.WAITING, 0);
    Futex.wake(waiting);
  }
}
