package io.farwarp.rdma.verbs.disni;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import com.ibm.disni.verbs.IbvSendWR;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.WriteStatus;
import io.farwarp.rdma.provider.CompletedWrites;
import io.farwarp.rdma.provider.SendQueue;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The sending half: hands requests to the device as long as it has places, in pieces that it takes,
 * and asks for a completion only where somebody waits for one or places have to come back.
 *
 * <p>Work requests are numbered from 1 in the order of posting, and the number is their id at the
 * device. They end in this order, so a completion ends all before it.
 */
final class Sender {
  /** Every so many work requests one is signalled, so that places come back. */
  private static final int SIGNAL_EVERY = Endpoint.SEND_DEPTH / 8;

  /** Places that writes and messages leave to credits and the farewell. */
  private static final int RESERVE = 8;

  private final Endpoint endpoint;
  private final MessageRing peer;
  private final VerbsRegion slots;
  private final SendQueue<VerbsRegion, VerbsRemoteRegion> queue;
  private final CompletedWrites completed = new CompletedWrites();
  private final InFlightWrites inFlight = new InFlightWrites();

  private final PreparedSend[] messages = new PreparedSend[Wire.RING_DEPTH];
  private final PreparedSend write;
  private final PreparedSend credit;
  private final PreparedSend farewell;

  private long posted;
  private long ended;

  /** Messages at the device or the peer that no credit has come back for. */
  private int uncredited;

  private int creditsDue;

  /** Of the oldest write in the queue: what of it the device has, and its first work request. */
  private long headBytes;

  private long headFirstRequest;

  private long farewellRequest;
  private long failedRequest;
  private int failedStatus = WorkStatus.IBV_WC_SUCCESS;
  private WriteStatus unendedStatus = WriteStatus.FLUSHED;

  /**
   * @param posted work requests that the opening has posted
   * @param ended how many of these have ended
   */
  Sender(Endpoint endpoint, MessageRing peer, long posted, long ended) throws IOException {
    this.endpoint = endpoint;
    this.peer = peer;
    this.posted = posted;
    this.ended = ended;
    MemorySegment memory = MessageRing.allocate();
    this.slots = endpoint.register(memory, Endpoint.SOURCE_ONLY);
    this.queue = new SendQueue<>(memory.asSlice(0, SendQueue.SLOTS_BYTES));
    for (int slot = 0; slot < messages.length; slot++) {
      messages[slot] = PreparedSend.writeWithImmediate(endpoint.queuePair(), slot);
    }
    this.write = PreparedSend.write(endpoint.queuePair());
    this.credit = PreparedSend.writeWithImmediate(endpoint.queuePair(), Immediate.CREDIT);
    this.farewell = PreparedSend.writeWithImmediate(endpoint.queuePair(), Immediate.FAREWELL);
  }

  CompletedWrites completed() {
    return completed;
  }

  /** Whether {@link QueuePair#MAX_WRITES_IN_FLIGHT} writes have not ended or not been told. */
  boolean isFull() {
    return queue.writes() + inFlight.size() + completed.size() >= QueuePair.MAX_WRITES_IN_FLIGHT;
  }

  /** Whether the device would take something that waits. */
  boolean canPost() {
    return !queue.isEmpty() && hasRoom(RESERVE);
  }

  private boolean hasRoom(int reserve) {
    return outstanding() < Endpoint.SEND_DEPTH - reserve;
  }

  /** Work requests that the device has. */
  long outstanding() {
    return posted - ended;
  }

  @Nullable MemorySegment claim() {
    return uncredited + queue.messages() < Wire.RING_DEPTH ? queue.claim() : null;
  }

  void addMessage(int lengthBytes) {
    if (uncredited + queue.messages() >= Wire.RING_DEPTH) {
      throw new IllegalStateException("postMessage without a claimed place");
    }
    queue.addMessage(lengthBytes);
  }

  void addWrite(
      VerbsRegion source,
      long sourceOffsetBytes,
      VerbsRemoteRegion target,
      long targetOffsetBytes,
      long lengthBytes,
      long workRequestId) {
    queue.addWrite(
        source, sourceOffsetBytes, target, targetOffsetBytes, lengthBytes, workRequestId);
  }

  /**
   * The peer has taken {@link Immediate#CREDIT_MESSAGES} messages; false if it has not been sent as
   * many.
   */
  boolean credited() {
    if (uncredited < Immediate.CREDIT_MESSAGES) {
      return false;
    }
    uncredited -= Immediate.CREDIT_MESSAGES;
    return true;
  }

  /** This side has taken as many of the peer's. */
  void oweCredit() {
    creditsDue++;
  }

  /** Gives the device what it takes. */
  void pump() throws IOException {
    while (creditsDue > 0 && hasRoom(1)) {
      post(credit.from(0, 0, 0).to(0, 0), 0, false);
      creditsDue--;
    }
    while (canPost()) {
      VerbsRegion source = queue.source();
      if (source == null) {
        postMessage();
      } else {
        postPiece(source, queue.target());
      }
    }
  }

  private void postMessage() throws IOException {
    int slot = queue.messageIndex();
    long offset = MessageRing.offset(slot);
    int length = (int) queue.lengthBytes();
    post(
        messages[slot]
            .from(slots.memory().address() + offset, length, slots.localKey(offset))
            .to(peer.addressOf(slot), peer.key()),
        length,
        false);
    uncredited++;
    queue.remove();
  }

  private void postPiece(VerbsRegion source, VerbsRemoteRegion target) throws IOException {
    long from = queue.sourceOffsetBytes() + headBytes;
    long to = queue.targetOffsetBytes() + headBytes;
    long left = queue.lengthBytes() - headBytes;
    int length = pieceBytes(left, from, to);
    boolean last = length == left;
    long id = queue.workRequestId();
    if (length == 0) { // touches no memory and needs no key
      write.from(0, 0, 0).to(0, 0);
    } else {
      write
          .from(source.memory().address() + from, length, source.localKey(from))
          .to(target.addressOf(to), target.key(to));
    }
    if (headBytes == 0) {
      headFirstRequest = posted + 1;
    }
    post(write, length, last && id != QueuePair.UNSIGNALLED);
    headBytes += length;
    if (last) {
      inFlight.add(headFirstRequest, posted, id);
      headBytes = 0;
      headFirstRequest = 0;
      queue.remove();
    }
  }

  /** Within one registered piece at either side, and what one work request may carry. */
  private int pieceBytes(long left, long from, long to) {
    long inPiece = VerbsRegion.PIECE_BYTES - Math.max(withinPiece(from), withinPiece(to));
    return (int) Math.min(Math.min(left, inPiece), endpoint.limits().maxMessageBytes());
  }

  private static long withinPiece(long offsetBytes) {
    return offsetBytes & (VerbsRegion.PIECE_BYTES - 1);
  }

  private void post(PreparedSend request, int lengthBytes, boolean awaited) throws IOException {
    long number = posted + 1;
    int flags = awaited || number % SIGNAL_EVERY == 0 ? IbvSendWR.IBV_SEND_SIGNALED : 0;
    if (lengthBytes > 0 && lengthBytes <= endpoint.inlineBytes()) {
      flags |= IbvSendWR.IBV_SEND_INLINE;
    }
    request.post(number, flags);
    posted = number;
  }

  /**
   * Posts the last message, if the device has a place for it; not after what still waits in the
   * queue.
   */
  void farewell(byte[] reason) throws IOException {
    if (!hasRoom(1)) {
      return;
    }
    long offset = MessageRing.offset(MessageRing.FAREWELL_SLOT);
    MemorySegment.copy(reason, 0, slots.memory(), JAVA_BYTE, offset, reason.length);
    farewell
        .from(slots.memory().address() + offset, reason.length, slots.localKey(offset))
        .to(peer.addressOf(MessageRing.FAREWELL_SLOT), peer.key());
    post(farewell, reason.length, true);
    farewellRequest = posted;
  }

  /** Whether the farewell is still under way. */
  boolean isFarewellPending() {
    return farewellRequest > ended;
  }

  /** A work request has ended well, and all before it. */
  void succeeded(long request) {
    ended = request;
    while (!inFlight.isEmpty() && inFlight.lastRequest() <= request) {
      long id = inFlight.remove();
      if (id != QueuePair.UNSIGNALLED) {
        completed.add(id);
      }
    }
  }

  /** A work request has failed; the device flushes all after it. */
  void failed(long request, int status) {
    if (failedStatus == WorkStatus.IBV_WC_SUCCESS) {
      succeeded(request - 1);
      failedRequest = request;
      failedStatus = status;
    }
    ended = request;
  }

  /**
   * The id of a write that the connection's end cut off, and forgets it; {@link
   * QueuePair#UNSIGNALLED} if there is none. How it ended is in {@link #unendedStatus}.
   */
  long takeUnended() {
    while (!inFlight.isEmpty()) {
      unendedStatus = statusFrom(inFlight.firstRequest());
      long id = inFlight.remove();
      if (id != QueuePair.UNSIGNALLED) {
        return id;
      }
    }
    while (!queue.isEmpty()) {
      boolean message = queue.source() == null;
      unendedStatus = statusFrom(headFirstRequest);
      headFirstRequest = 0;
      long id = queue.workRequestId();
      queue.remove();
      if (!message && id != QueuePair.UNSIGNALLED) {
        return id;
      }
    }
    return QueuePair.UNSIGNALLED;
  }

  /**
   * Of a write that the device has from a work request on, 0 for none: the first one that failed is
   * the peer's refusal.
   */
  private WriteStatus statusFrom(long firstRequest) {
    boolean refused =
        firstRequest > 0 && firstRequest <= failedRequest && WorkStatus.isAccessError(failedStatus);
    if (refused) {
      failedStatus = WorkStatus.IBV_WC_WR_FLUSH_ERR;
    }
    return refused ? WriteStatus.REMOTE_ACCESS_ERROR : WriteStatus.FLUSHED;
  }

  WriteStatus unendedStatus() {
    return unendedStatus;
  }

  /** After the queue pair. */
  void free() {
    for (PreparedSend message : messages) {
      message.free();
    }
    write.free();
    credit.free();
    farewell.free();
  }
}
