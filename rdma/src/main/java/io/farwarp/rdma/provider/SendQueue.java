package io.farwarp.rdma.provider;

import io.farwarp.rdma.QueuePair;
import io.farwarp.wire.Wire;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Work requests that are posted but that the network has not taken yet, in their order: arrays of a
 * fixed size, so that posting allocates nothing. A message waits in a slot of its own.
 *
 * @param <S> the provider's region of this side, a source
 * @param <T> the provider's region of the peer's, a target
 */
public final class SendQueue<S, T> {
  /** What the slots of messages take, side by side. */
  public static final long SLOTS_BYTES = (long) Wire.RING_DEPTH * Wire.MAX_MESSAGE_BYTES;

  /** A power of two that holds all writes and messages that may wait at once. */
  private static final int CAPACITY = 2048;

  private final MemorySegment[] messages = new MemorySegment[Wire.RING_DEPTH];
  private final @Nullable Object[] source = new Object[CAPACITY];
  private final long[] sourceOffset = new long[CAPACITY];
  private final @Nullable Object[] target = new Object[CAPACITY];
  private final long[] targetOffset = new long[CAPACITY];
  private final long[] length = new long[CAPACITY];
  private final long[] workRequestId = new long[CAPACITY];
  private int first;
  private int size;
  private int writes;
  private int firstMessage;
  private int waitingMessages;

  /**
   * @param slots memory of {@link #SLOTS_BYTES}
   */
  public SendQueue(MemorySegment slots) {
    for (int i = 0; i < messages.length; i++) {
      messages[i] = slots.asSlice((long) i * Wire.MAX_MESSAGE_BYTES, Wire.MAX_MESSAGE_BYTES);
    }
  }

  public boolean isEmpty() {
    return size == 0;
  }

  /** Messages among the waiting. */
  public int messages() {
    return waitingMessages;
  }

  /** Writes among the waiting. */
  public int writes() {
    return writes;
  }

  /** The slot of the next message; null if {@link Wire#RING_DEPTH} wait. */
  public @Nullable MemorySegment claim() {
    return waitingMessages == Wire.RING_DEPTH ? null : messageSlot(waitingMessages);
  }

  private MemorySegment messageSlot(int index) {
    return messages[(firstMessage + index) & (Wire.RING_DEPTH - 1)];
  }

  public void addMessage(int lengthBytes) {
    if (waitingMessages == Wire.RING_DEPTH) {
      throw new IllegalStateException("postMessage without a claimed place");
    }
    int at = next();
    source[at] = null;
    length[at] = lengthBytes;
    workRequestId[at] = QueuePair.UNSIGNALLED;
    waitingMessages++;
  }

  public void addWrite(
      S region,
      long sourceOffsetBytes,
      T targetRegion,
      long targetOffsetBytes,
      long lengthBytes,
      long id) {
    int at = next();
    source[at] = region;
    sourceOffset[at] = sourceOffsetBytes;
    target[at] = targetRegion;
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
  @SuppressWarnings("unchecked") // addWrite puts nothing else in
  public @Nullable S source() {
    return (S) source[first];
  }

  /** The oldest request's target, if it is a write. */
  @SuppressWarnings({"unchecked", "NullAway"}) // as above; a write has one
  public T target() {
    return (T) target[first];
  }

  /** The oldest request's slot, if it is a message. */
  public int messageIndex() {
    return firstMessage;
  }

  /** The oldest request's bytes, if it is a message. */
  public MemorySegment message() {
    return messageSlot(0);
  }

  public long sourceOffsetBytes() {
    return sourceOffset[first];
  }

  public long targetOffsetBytes() {
    return targetOffset[first];
  }

  public long lengthBytes() {
    return length[first];
  }

  public long workRequestId() {
    return workRequestId[first];
  }

  public void remove() {
    if (source[first] == null) {
      firstMessage = (firstMessage + 1) & (Wire.RING_DEPTH - 1);
      waitingMessages--;
    } else {
      source[first] = null;
      target[first] = null;
      writes--;
    }
    first = (first + 1) & (CAPACITY - 1);
    size--;
  }
}
