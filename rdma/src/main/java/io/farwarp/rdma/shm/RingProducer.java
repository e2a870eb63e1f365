package io.farwarp.rdma.shm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.farwarp.rdma.linux.Futex;
import io.farwarp.wire.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The sending end of one direction. Its own count is never read back from the shared pages; the
 * peer's consumed counter is checked.
 */
final class RingProducer {
  private final MemorySegment ring;
  private final MemorySegment waiting;
  private final MemorySegment staging = Arena.ofAuto().allocate(Wire.MAX_MESSAGE_BYTES, 64);
  private long produced;
  private long consumed;
  private boolean refused;
  private @Nullable String fault;

  RingProducer(MemorySegment ring) {
    this.ring = ring;
    this.waiting = ring.asSlice(RingLayout.WAITING, Integer.BYTES);
  }

  /** Where to write the next message; null if the ring is full or the peer broke it. */
  @Nullable MemorySegment claim() {
    if (produced - consumed == Wire.RING_DEPTH && !makeRoom()) {
      return null;
    }
    return staging;
  }

  private boolean makeRoom() {
    long told = (long) RingLayout.I64.getAcquire(ring, RingLayout.CONSUMED);
    if (told < consumed || told > produced) {
      fault =
          "the peer's consumed counter says %d; between %d and %d is possible"
              .formatted(told, consumed, produced);
      return false;
    }
    consumed = told;
    refused = produced - consumed == Wire.RING_DEPTH;
    return !refused;
  }

  /** Whether the last claim found the ring full and it still is. */
  boolean stillFull() {
    return refused && !makeRoom();
  }

  /** What the peer did wrong, if anything. */
  @Nullable String fault() {
    return fault;
  }

  void post(int lengthBytes) {
    if (produced - consumed == Wire.RING_DEPTH) {
      throw new IllegalStateException("postMessage without a claimed place");
    }
    long number = produced + 1;
    long slot = RingLayout.slot(number);
    int carried = lengthBytes;
    if (lengthBytes == Wire.HEADER_BYTES
        && staging.get(JAVA_LONG, RingLayout.FIRST_LINE_BYTES) == 0) {
      carried = RingLayout.FIRST_LINE_BYTES;
      RingLayout.copyFirstLine(staging, 0, ring, slot + RingLayout.MESSAGE);
    } else {
      MemorySegment.copy(staging, 0, ring, slot + RingLayout.MESSAGE, carried);
    }
    RingLayout.I64.setRelease(ring, slot, RingLayout.word(number, carried, lengthBytes));
    produced = number;
    // The consumer sets the waiting word, then looks at the slot; this is the other half.
    VarHandle.fullFence();
    if ((int) RingLayout.I32.get(ring, RingLayout.WAITING) != 0) {
      wakeConsumer();
    }
  }

  void wakeConsumer() {
    RingLayout.I32.setVolatile(ring, RingLayout.WAITING, 0);
    Futex.wake(waiting);
  }
}
