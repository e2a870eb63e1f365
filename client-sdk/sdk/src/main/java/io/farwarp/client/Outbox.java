package io.farwarp.client;

import io.farwarp.rdma.CompletionHandler;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.RemoteRegion;
import io.farwarp.wire.MessageKind;
import io.farwarp.wire.Wire;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What a session sends: pushes, requests, and messages that nobody answers. Guarded by the engine's
 * lock; allocates nothing for a request.
 */
final class Outbox {
  /** How a request's way out ended. */
  enum Sent {
    YES,
    /** Nothing was posted: a later try may find a place. */
    NO_PLACE,
    /** A part is posted, and the worker takes no more. */
    STUCK
  }

  /** Work request id of every push: they are counted, not told apart. */
  private static final long PUSH_ID = 1;

  private static final byte[] NO_PAYLOAD = {};

  private final QueuePair queuePair;
  private final RemoteRegion window;
  private final CompletionHandler responses;

  /** Where the message of the request goes whose pushes are posted. */
  private @Nullable MemorySegment place;

  private int pushesInFlight;
  private boolean sent;

  Outbox(QueuePair queuePair, CompletionHandler responses) {
    this.queuePair = queuePair;
    this.window = queuePair.remoteExposed();
    this.responses = responses;
  }

  /** True when a request of any size could be sent now. */
  boolean hasRoom() {
    return pushesInFlight <= QueuePair.MAX_WRITES_IN_FLIGHT - Wire.MAX_ARGUMENTS
        && queuePair.claimMessage() != null;
  }

  /** Posts what moves to the worker before the request; the message must follow if it is YES. */
  Sent push(WorkRequest request) {
    WorkRequest.Push[] pushes = request.pushes;
    place = queuePair.claimMessage();
    if (place == null || pushesInFlight + pushes.length > QueuePair.MAX_WRITES_IN_FLIGHT) {
      return Sent.NO_PLACE;
    }
    for (int i = 0; i < pushes.length; i++) {
      if (!post(pushes[i])) {
        if (i == 0) {
          return Sent.NO_PLACE;
        }
        // A part of the request is under way: the rest must follow, or it was pushed in vain.
        if (!postStubbornly(pushes[i])) {
          return Sent.STUCK;
        }
      }
      pushesInFlight++;
    }
    return Sent.YES;
  }

  private boolean post(WorkRequest.Push push) {
    return queuePair.postWrite(
        push.source(),
        push.sourceOffsetBytes(),
        window,
        push.targetOffsetBytes(),
        push.bytes(),
        PUSH_ID);
  }

  private boolean postStubbornly(WorkRequest.Push push) {
    long startNs = System.nanoTime();
    while (queuePair.isOpen() && System.nanoTime() - startNs < Wire.SILENCE_LIMIT_NS) {
      var _ = queuePair.poll(responses, PollingTurn.EVENTS_AT_ONCE);
      if (post(push)) {
        place = queuePair.claimMessage();
        return place != null;
      }
    }
    return false;
  }

  /** Sends the request's message, in the place that {@link #push} has made sure of. */
  void send(WorkRequest request, long timeoutNs) {
    @Nullable MemorySegment target = place;
    if (target == null) {
      throw new IllegalStateException("a request is sent without a place for it");
    }
    place = null;
    MemorySegment.copy(request.messageBytes, 0, target, 0, request.message.length);
    target.set(Wire.U32, Wire.REQUEST_SLOT, request.slot);
    target.set(Wire.I64, Wire.REQUEST_INVOCATION_ID, request.invocationId);
    target.set(Wire.I64, Wire.REQUEST_TIMEOUT_NS, Math.max(1, timeoutNs));
    queuePair.postMessage(request.message.length);
    sent = true;
  }

  void pushEnded() {
    pushesInFlight--;
  }

  boolean sendCancel(WorkRequest request) {
    return sendControl(MessageKind.CANCEL, request.slot, request.invocationId, NO_PAYLOAD);
  }

  boolean sendKeepAlive() {
    return sendControl(MessageKind.KEEP_ALIVE, 0, 0, NO_PAYLOAD);
  }

  boolean sendGoodbye(boolean releasesLease) {
    byte flags = releasesLease ? Wire.GOODBYE_RELEASE : 0;
    return sendControl(MessageKind.GOODBYE, flags, 0, 0, NO_PAYLOAD);
  }

  boolean sendRegion(int regionId, byte[] descriptor) {
    return sendControl(MessageKind.REGION, regionId, 0, descriptor);
  }

  boolean sendRenewal(byte[] token) {
    return sendControl(MessageKind.RENEW, 0, 0, token);
  }

  /** False where the ring has no place for it, or the connection has ended. */
  private boolean sendControl(byte kind, int slot, long id, byte[] payload) {
    return sendControl(kind, (byte) 0, slot, id, payload);
  }

  private boolean sendControl(byte kind, byte flags, int slot, long id, byte[] payload) {
    @Nullable MemorySegment target = queuePair.claimMessage();
    if (target == null) {
      return false;
    }
    target.asSlice(0, Wire.HEADER_BYTES).fill((byte) 0);
    target.set(Wire.U8, Wire.KIND, kind);
    target.set(Wire.U8, Wire.FLAGS, flags);
    target.set(Wire.U32, Wire.REQUEST_SLOT, slot);
    target.set(Wire.I64, Wire.REQUEST_INVOCATION_ID, id);
    target.set(Wire.U32, Wire.REQUEST_PAYLOAD_BYTES, payload.length);
    MemorySegment.copy(
        MemorySegment.ofArray(payload), 0, target, Wire.HEADER_BYTES, payload.length);
    queuePair.postMessage(Wire.HEADER_BYTES + payload.length);
    sent = true;
    return true;
  }

  /** True when something was sent since this was last asked. */
  boolean takeSent() {
    boolean was = sent;
    sent = false;
    return was;
  }
}
