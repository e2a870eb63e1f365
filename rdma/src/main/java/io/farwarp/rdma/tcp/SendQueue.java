package io.farwarp.rdma.tcp;

import io.farwarp.rdma.QueuePair;
import io.farwarp.wire.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Work requests that are posted but not yet in a frame, in their order: arrays of a fixed size, so
 * that posting allocates nothing. A message waits in a slot of its own.
 */
final class SendQueue {
  /** A power of two that holds all writes and messages that may wait at once. */
  private static final int CAPACITY = 2048;

  private final MemorySegment[] messages = new MemorySegment[Wire.RING_DEPTH];
  private final @Nullable TcpRegion[] source = new TcpRegion[CAPACITY];
  private final long[] sourceOffset = new long[CAPACITY];
  private final long[] key = new long[CAPACITY];
  private final long[] targetOffset = new long[CAPACITY];
  private final long[] length = new long[CAPACITY];
  private final long[] workRequestId = new long[CAPACITY];
  private int first;
  private int size;
  private int writes;
  private int firstMessage;
  private int waitingMessages;

  SendQueue() {
    MemorySegment slots =
        Arena.ofAuto().allocate((long) Wire.RING_DEPTH * Wire.MAX_MESSAGE_BYTES, 64);
    for (int i = 0; i < messages.length; i++) {
      messages[i] = slots.asSlice((long) i * Wire.MAX_MESSAGE_BYTES, Wire.MAX_MESSAGE_BYTES);
    }
  }

  boolean isEmpty() {
    return size == 0;
  }

  /** Writes among the waiting. */
  int writes() {
    return writes;
  }

  /** The slot of the next message; null if {@link Wire#RING_DEPTH} wait. */
  @Nullable MemorySegment claim() {
    return waitingMessages == Wire.RING_DEPTH ? null : messageSlot(waitingMessages);
  }

  private MemorySegment messageSlot(int index) {
    return messages[(firstMessage + index) & (Wire.RING_DEPTH - 1)];
  }

  void addMessage(int lengthBytes) {
    if (waitingMessages == Wire.RING_DEPTH) {
      throw new IllegalStateException("postMessage without a claimed place");
    }
    int at = next();
    source[at] = null;
    length[at] = lengthBytes;
    workRequestId[at] = QueuePair.UNSIGNALLED;
    waitingMessages++;
  }

  void addWrite(
      TcpRegion region,
      long sourceOffsetBytes,
      long targetKey,
      long targetOffsetBytes,
      long lengthBytes,
      long id) {
    int at = next();
    source[at] = region;
    sourceOffset[at] = sourceOffsetBytes;
    key[at] = targetKey;
    targetOffset[at] = targetOffsetBytes;
    length[at] = lengthBytes;
    workRequestId[at] = id;
    writes++;
  }

  private int next() {
    int at = (first + size) & (CAPACITY - 1);
    size++;
    return at;
  }

  /** The oldest request's source; null if it is a message. */
  @Nullable TcpRegion source() {
    return source[first];
  }

  /** The oldest request's bytes, if it is a message. */
  MemorySegment message() {
    return messageSlot(0);
  }

  long sourceOffsetBytes() {
    return sourceOffset[first];
  }

  long key() {
    return key[first];
  }

  long targetOffsetBytes() {
    return targetOffset[first];
  }

  long lengthBytes() {
    return length[first];
  }

  long workRequestId() {
    return workRequestId[first];
  }

  void remove() {
    if (source[first] == null) {
      firstMessage = (firstMessage + 1) & (Wire.RING_DEPTH - 1);
      waitingMessages--;
    } else {
      source[first] = null;
      writes--;
    }
    first = (first + 1) & (CAPACITY - 1);
    size--;
  }
}
