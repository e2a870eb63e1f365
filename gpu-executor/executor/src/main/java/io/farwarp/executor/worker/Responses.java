package io.farwarp.executor.worker;

import io.farwarp.rdma.QueuePair;
import io.farwarp.wire.MessageKind;
import io.farwarp.wire.PeerText;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What a worker sends in a session. While the connection's ring is full, answers that cannot wait
 * elsewhere are kept here, a bounded number. Used by the polling thread.
 */
final class Responses {
  /** More than a client can have asked for and not fetched, unless it asks wrongly on purpose. */
  private static final int BACKLOG = 256;

  private final QueuePair queuePair;
  private final Answer[] backlog = new Answer[BACKLOG];
  private int first;
  private int count;

  /** A COMPLETION that waits for a place in the ring. */
  private static final class Answer {
    int slot;
    long id;
    Status status = Status.OK;
    String detail = "";
  }

  Responses(QueuePair queuePair) {
    this.queuePair = queuePair;
    for (int i = 0; i < BACKLOG; i++) {
      backlog[i] = new Answer();
    }
  }

  /** A COMPLETION of something that did not run. False: too many wait already. */
  boolean answer(int slot, long id, Status status, String detail) {
    if (count == 0 && completion(slot, id, status, detail, 0, 0, 0, 0)) {
      return true;
    }
    if (count == BACKLOG) {
      return false;
    }
    Answer kept = backlog[(first + count++) % BACKLOG];
    kept.slot = slot;
    kept.id = id;
    kept.status = status;
    kept.detail = detail;
    return true;
  }

  /** Sends what waits, as far as there is room; true if nothing waits any more. */
  boolean flush() {
    while (count > 0) {
      Answer kept = backlog[first];
      if (!completion(kept.slot, kept.id, kept.status, kept.detail, 0, 0, 0, 0)) {
        return false;
      }
      first = (first + 1) % BACKLOG;
      count--;
    }
    return true;
  }

  /** False if there is no room now; nothing was sent then. */
  boolean completion(
      int slot,
      long id,
      Status status,
      String detail,
      long queueNs,
      long copyInNs,
      long kernelNs,
      long copyOutNs) {
    MemorySegment message = queuePair.claimMessage();
    if (message == null) {
      return false;
    }
    message.set(
        Wire.I64,
        0,
        MessageKind.COMPLETION | (long) status.code() << 16 | Integer.toUnsignedLong(slot) << 32);
    message.set(Wire.I64, Wire.RESPONSE_INVOCATION_ID, id);
    message.set(Wire.I64, Wire.RESPONSE_QUEUE_NS, queueNs);
    message.set(Wire.I64, Wire.RESPONSE_COPY_IN_NS, copyInNs);
    message.set(Wire.I64, Wire.RESPONSE_KERNEL_NS, kernelNs);
    message.set(Wire.I64, Wire.RESPONSE_COPY_OUT_NS, copyOutNs);
    int detailBytes = putDetail(message, detail);
    queuePair.postMessage(Wire.HEADER_BYTES + detailBytes);
    return true;
  }

  /** False if there is no room now. */
  boolean ended(Status status, String detail) {
    MemorySegment message = queuePair.claimMessage();
    if (message == null) {
      return false;
    }
    message.asSlice(0, Wire.HEADER_BYTES).fill((byte) 0);
    message.set(Wire.U8, Wire.KIND, MessageKind.ENDED);
    message.set(Wire.U16, Wire.RESPONSE_STATUS, (short) status.code());
    queuePair.postMessage(Wire.HEADER_BYTES + putDetail(message, detail));
    return true;
  }

  /** False if there is no room now, which the peer takes for a sign of life as well. */
  boolean keepAlive() {
    return keepAlive((byte) 0);
  }

  /** Asks for a sign of life; false if there is no room now. */
  boolean probe() {
    return keepAlive(Wire.KEEP_ALIVE_ANSWER);
  }

  private boolean keepAlive(byte flags) {
    MemorySegment message = queuePair.claimMessage();
    if (message == null) {
      return false;
    }
    message.asSlice(0, Wire.HEADER_BYTES).fill((byte) 0);
    message.set(Wire.U8, Wire.KIND, MessageKind.KEEP_ALIVE);
    message.set(Wire.U8, Wire.FLAGS, flags);
    queuePair.postMessage(Wire.HEADER_BYTES);
    return true;
  }

  private static int putDetail(MemorySegment message, @Nullable String detail) {
    if (detail == null || detail.isEmpty()) {
      message.set(Wire.I64, Wire.RESPONSE_DETAIL_BYTES, 0L);
      message.set(Wire.I64, Wire.RESPONSE_DETAIL_BYTES + 8, 0L);
      return 0;
    }
    byte[] text = PeerText.encode(detail);
    message.set(Wire.I64, Wire.RESPONSE_DETAIL_BYTES, (long) text.length);
    message.set(Wire.I64, Wire.RESPONSE_DETAIL_BYTES + 8, 0L);
    MemorySegment.copy(MemorySegment.ofArray(text), 0, message, Wire.HEADER_BYTES, text.length);
    return text.length;
  }
}
