package io.farwarp.executor.worker;

import io.farwarp.executor.device.DeviceStream;
import io.farwarp.rdma.CompletionHandler;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.WriteStatus;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.LeaseToken;
import io.farwarp.wire.MessageKind;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The worker's side of one session: reads the client's messages, checks them, runs what they ask
 * for, and answers. Driven by {@link #doWork}; used by the thread whose {@link Turn} it is.
 *
 * <p>A session ends by the client's leave, a broken connection, a message that the protocol does
 * not allow, or the end of the lease; then it drains: what runs is stopped, and when the device has
 * let go of it the connection is closed.
 */
final class Session implements CompletionHandler {
  /** {@link #doWork}: another thread has the turn now. */
  static final int TURN_LOST = Pipeline.TURN_LOST;

  private static final Logger LOG = System.getLogger(Session.class.getName());

  /** Events taken from the connection at a time. */
  private static final int POLL_LIMIT = 16;

  /** How long the last messages may take to leave. */
  private static final long LINGER_NS = TimeUnit.MILLISECONDS.toNanos(200);

  /** A launch that goes on for this long after it was stopped never ends. */
  private static final long STOP_LIMIT_NS = TimeUnit.SECONDS.toNanos(10);

  /** How long a client may take to give a sign of life. */
  private static final long SIGN_OF_LIFE_NS = TimeUnit.SECONDS.toNanos(1);

  private static final long MOST_TIMEOUT_NS = TimeUnit.DAYS.toNanos(366);
  private static final long IDLE_TICK_NS = TimeUnit.SECONDS.toNanos(1);

  private enum State {
    OPEN,
    DRAINING,
    CLOSED
  }

  private final QueuePair queuePair;
  private final FunctionTable functions;
  private final TokenCheck tokens;
  private final LeaseTerm term;
  private final LongSupplier clock;
  private final ClientRegions regions = new ClientRegions();
  private final Responses responses;
  private final Pipeline pipeline;
  private final RequestReader reader;

  private State state = State.OPEN;
  private long lastInvocationId;
  private long nextTickNs;
  private long lastSentNs;
  private long lastHeardNs;
  private long drainStartNs;
  private long probedNs;
  private boolean probed;
  private boolean heardSinceProbe; // not by time: an answer may come at the probe's own reading

  /** An ENDED that is still to be sent, or null. */
  private @Nullable Status endedStatus;

  private String endedReason = "";
  private boolean lingers;
  private boolean deserted;

  /** What the client's leave or a fatal fault means for the worker as a whole; null: nothing. */
  private @Nullable Ending ending;

  Session(
      QueuePair queuePair,
      DeviceStream stream,
      Turn turn,
      FunctionTable functions,
      TokenCheck tokens,
      LeaseTerm term,
      LongSupplier clock) {
    this.queuePair = queuePair;
    this.functions = functions;
    this.tokens = tokens;
    this.term = term;
    this.clock = clock;
    this.responses = new Responses(queuePair);
    this.pipeline = new Pipeline(queuePair, regions, responses, stream, turn);
    this.reader = new RequestReader(queuePair.localExposed().memory().byteSize(), regions);
    long nowNs = clock.getAsLong();
    nextTickNs = nowNs;
    lastSentNs = nowNs;
    lastHeardNs = nowNs;
  }

  QueuePair queuePair() {
    return queuePair;
  }

  boolean isClosed() {
    return state == State.CLOSED;
  }

  /** What the worker as a whole must do because of this session; null: nothing. */
  @Nullable Ending ending() {
    return ending;
  }

  /** True when the client went without a word: killed, perhaps, and not to come back. */
  boolean isDeserted() {
    return deserted;
  }

  /** True while the device runs something on a thread of its own. */
  boolean isDeviceBusy() {
    return !pipeline.isEmpty();
  }

  /** Nanoseconds until {@link #doWork} has something to do by the clock alone, 0 and up. */
  long idleLimitNs(long nowNs) {
    return Math.max(0, nextTickNs - nowNs);
  }

  /** The latest time of the clock that an arrival or an invocation's end has told. */
  long latestNs() {
    return pipeline.latestNs();
  }

  /** "N invocations, M ms of kernels", for the log. */
  String accountText() {
    return "%d answered, %.3f ms of kernels"
        .formatted(pipeline.answeredCount(), pipeline.executionNs() / 1e6);
  }

  /**
   * One round: fetches messages, starts and answers invocations, keeps time.
   *
   * @return 0 if there was nothing to do, {@link #TURN_LOST}, or how much was done
   */
  int doWork(long nowNs) {
    int done = queuePair.poll(this, POLL_LIMIT);
    if (done != 0) {
      lastHeardNs = nowNs;
      heardSinceProbe = true;
      done = Math.max(done, 1);
    }
    int advanced = pipeline.advance();
    if (advanced == TURN_LOST) {
      return TURN_LOST;
    }
    if (advanced > 0) {
      lastSentNs = nowNs;
    }
    if (nowNs - nextTickNs >= 0) {
      tick(nowNs);
    }
    return done + advanced;
  }

  /** What happens by the clock alone. */
  private void tick(long nowNs) {
    if (state == State.DRAINING) {
      drain(nowNs);
      return;
    }
    responses.flush();
    if (!pipeline.expire(nowNs)) {
      breakOff(Status.PROTOCOL_ERROR, "completions are not fetched");
      return;
    }
    long waitNs = Math.min(IDLE_TICK_NS, pipeline.untilNextDeadlineNs(nowNs));
    if (pipeline.inFlight() > 0) {
      if (nowNs - lastHeardNs >= Wire.SILENCE_LIMIT_NS) {
        breakOff(Status.LINK_BROKEN, "nothing heard from the client while invocations run");
        return;
      }
      if (nowNs - lastSentNs >= Wire.KEEP_ALIVE_NS) {
        responses.keepAlive();
        lastSentNs = nowNs;
      }
      waitNs = Math.min(waitNs, lastSentNs + Wire.KEEP_ALIVE_NS - nowNs);
    }
    nextTickNs = nowNs + Math.max(1, waitNs);
  }

  private void drain(long nowNs) {
    Status status = endedStatus;
    if (status != null && queuePair.isOpen() && responses.ended(status, endedReason)) {
      endedStatus = null;
    }
    boolean lingered = !lingers || !queuePair.isOpen() || nowNs - drainStartNs >= LINGER_NS;
    if (pipeline.isEmpty() && lingered) {
      state = State.CLOSED;
      queuePair.close();
    } else if (nowNs - drainStartNs >= STOP_LIMIT_NS) {
      state = State.CLOSED;
      ending = new Ending(LeaseState.FAILED, "a launch did not stop when it was told to");
      queuePair.close();
    }
    nextTickNs = nowNs + TimeUnit.MILLISECONDS.toNanos(1);
  }

  /**
   * Somebody else has proven to hold the lease's key. A client that is there gives a sign of life;
   * a session without one ends, and gives way: its client's machine may have vanished, which
   * nothing tells while a connection is idle.
   *
   * @return true if the client has shown that it is there
   */
  boolean contest(long nowNs) {
    if (state != State.OPEN) {
      return false;
    }
    boolean answered = probed && heardSinceProbe;
    if (!probed || (answered && nowNs - probedNs >= SIGN_OF_LIFE_NS)) {
      probed = responses.probe();
      probedNs = nowNs;
      heardSinceProbe = false;
      answered = false;
    } else if (!answered && nowNs - probedNs >= SIGN_OF_LIFE_NS) {
      deserted = true;
      breakOff(
          Status.LINK_BROKEN,
          "no sign of life from the client when another session was opened with the lease's key");
      return false;
    }
    nextTickNs = Math.min(nextTickNs, nowNs + SIGN_OF_LIFE_NS / 4);
    return answered;
  }

  /** Tells the client that the session is over, and why; what runs is stopped. */
  void end(Status status, String reason) {
    if (state == State.OPEN) {
      endedStatus = status;
      endedReason = reason;
      lingers = true;
      startDraining();
    }
  }

  private void breakOff(Status status, String reason) {
    LOG.log(Level.WARNING, "session broken off: {0}: {1}", status, reason);
    end(status, reason);
  }

  private void startDraining() {
    state = State.DRAINING;
    drainStartNs = clock.getAsLong();
    nextTickNs = drainStartNs;
    pipeline.muteAndStop();
  }

  @Override
  public void written(long workRequestId, WriteStatus status) {
    // Every write is unsignalled: its failure breaks the connection, which is told apart.
  }

  @Override
  public void disconnected(String reason) {
    if (state == State.OPEN) {
      LOG.log(Level.INFO, "session lost: {0}", reason);
      deserted = true;
      startDraining();
    }
  }

  @Override
  public void message(MemorySegment buffer, long at, int lengthBytes) {
    if (state != State.OPEN) {
      return;
    }
    if (lengthBytes < Wire.HEADER_BYTES) {
      breakOff(Status.PROTOCOL_ERROR, "a message of %d bytes".formatted(lengthBytes));
      return;
    }
    byte kind = buffer.get(Wire.U8, at + Wire.KIND);
    if (lengthBytes != Wire.HEADER_BYTES && isHeaderOnly(kind)) {
      breakOff(
          Status.PROTOCOL_ERROR,
          "a message of kind %d with %d bytes; it has %d"
              .formatted(kind, lengthBytes, Wire.HEADER_BYTES));
      return;
    }
    switch (kind) {
      case MessageKind.INVOKE, MessageKind.PULL -> request(kind, buffer, at, lengthBytes);
      case MessageKind.FENCE -> fence(buffer, at);
      case MessageKind.CANCEL -> cancel(buffer, at);
      case MessageKind.KEEP_ALIVE -> {}
      case MessageKind.RENEW -> renew(buffer, at, lengthBytes);
      case MessageKind.REGION -> region(buffer, at, lengthBytes);
      case MessageKind.GOODBYE -> goodbye(buffer, at);
      default ->
          breakOff(Status.PROTOCOL_ERROR, "a message of unknown kind " + Byte.toUnsignedInt(kind));
    }
  }

  private static boolean isHeaderOnly(byte kind) {
    return kind == MessageKind.FENCE
        || kind == MessageKind.CANCEL
        || kind == MessageKind.KEEP_ALIVE
        || kind == MessageKind.GOODBYE;
  }

  private void request(byte kind, MemorySegment buffer, long at, int lengthBytes) {
    int count = Short.toUnsignedInt(buffer.get(Wire.U16, at + Wire.REQUEST_ARGUMENT_COUNT));
    if (count > Wire.MAX_ARGUMENTS
        || lengthBytes != Wire.HEADER_BYTES + count * Wire.ARGUMENT_BYTES) {
      breakOff(
          Status.PROTOCOL_ERROR,
          "a request of %d bytes with %d arguments".formatted(lengthBytes, count));
      return;
    }
    int slot = buffer.get(Wire.U32, at + Wire.REQUEST_SLOT);
    long id = buffer.get(Wire.I64, at + Wire.REQUEST_INVOCATION_ID);
    if (!isSlot(slot)) {
      return;
    }
    long timeoutNs = buffer.get(Wire.I64, at + Wire.REQUEST_TIMEOUT_NS);
    if (!maybeRefuse(slot, id, timeoutNs)) {
      return;
    }
    Invocation invocation = pipeline.peekFree();
    if (invocation == null) {
      answer(slot, id, Status.RESOURCE_EXHAUSTED, "too many cancelled invocations wait for others");
      return;
    }
    accept(invocation, kind, buffer, at, count, slot, id, timeoutNs);
  }

  private void accept(
      Invocation invocation,
      byte kind,
      MemorySegment buffer,
      long at,
      int count,
      int slot,
      long id,
      long timeoutNs) {
    String refusal;
    if (kind == MessageKind.PULL) {
      refusal = reader.readPull(invocation, buffer, at + Wire.HEADER_BYTES, count);
    } else {
      int functionId = buffer.get(Wire.U32, at + Wire.REQUEST_FUNCTION_ID);
      LoadedFunction function = functions.find(functionId);
      if (function == null) {
        answer(
            slot,
            id,
            Status.UNKNOWN_FUNCTION,
            "no function %d is loaded".formatted(Integer.toUnsignedLong(functionId)));
        return;
      }
      refusal = reader.readInvoke(invocation, function, buffer, at + Wire.HEADER_BYTES, count);
    }
    if (refusal != null) {
      answer(slot, id, reader.refusalStatus(), refusal);
      return;
    }
    invocation.slot = slot;
    invocation.id = id;
    invocation.arrivedNs = clock.getAsLong();
    invocation.deadlineNs = invocation.arrivedNs + Math.min(timeoutNs, MOST_TIMEOUT_NS);
    pipeline.append(invocation);
    if (invocation.deadlineNs - nextTickNs < 0) {
      nextTickNs = invocation.deadlineNs;
    }
  }

  /** False if the request was refused and answered. */
  private boolean maybeRefuse(int slot, long id, long timeoutNs) {
    if (id <= lastInvocationId) {
      answer(
          slot,
          id,
          Status.INVALID_ARGUMENT,
          "invocation id %d does not follow %d".formatted(id, lastInvocationId));
      return false;
    }
    lastInvocationId = id;
    if (pipeline.isSlotTaken(slot)) {
      answer(slot, id, Status.INVALID_ARGUMENT, "slot %d is in use".formatted(slot));
      return false;
    }
    if (timeoutNs < 1) {
      answer(
          slot,
          id,
          Status.INVALID_ARGUMENT,
          "a time-out of %d ns; 1 at least".formatted(timeoutNs));
      return false;
    }
    return true;
  }

  private boolean isSlot(int slot) {
    if (slot >= 0 && slot < Wire.MAX_IN_FLIGHT) {
      return true;
    }
    breakOff(
        Status.PROTOCOL_ERROR,
        "slot %d; slots are 0 to %d"
            .formatted(Integer.toUnsignedLong(slot), Wire.MAX_IN_FLIGHT - 1));
    return false;
  }

  private void answer(int slot, long id, Status status, String detail) {
    if (!responses.answer(slot, id, status, detail)) {
      breakOff(Status.PROTOCOL_ERROR, "completions are not fetched");
    }
  }

  private void fence(MemorySegment buffer, long at) {
    int slot = buffer.get(Wire.U32, at + Wire.REQUEST_SLOT);
    long id = buffer.get(Wire.I64, at + Wire.REQUEST_INVOCATION_ID);
    if (isSlot(slot) && maybeRefuse(slot, id, 1)) {
      answer(slot, id, Status.OK, "");
    }
  }

  private void cancel(MemorySegment buffer, long at) {
    int slot = buffer.get(Wire.U32, at + Wire.REQUEST_SLOT);
    long id = buffer.get(Wire.I64, at + Wire.REQUEST_INVOCATION_ID);
    if (isSlot(slot) && !pipeline.cancel(slot, id)) {
      breakOff(Status.PROTOCOL_ERROR, "completions are not fetched");
    }
  }

  private void region(MemorySegment buffer, long at, int lengthBytes) {
    int payload = payloadBytes(buffer, at, lengthBytes, "a region");
    if (payload < 0) {
      return;
    }
    try {
      regions.add(
          buffer.get(Wire.U32, at + Wire.REQUEST_SLOT),
          queuePair,
          buffer,
          at + Wire.HEADER_BYTES,
          payload);
    } catch (IOException e) {
      breakOff(Status.PROTOCOL_ERROR, String.valueOf(e.getMessage()));
    }
  }

  private void renew(MemorySegment buffer, long at, int lengthBytes) {
    int payload = payloadBytes(buffer, at, lengthBytes, "a renewal");
    if (payload < 0) {
      return;
    }
    byte[] signed = buffer.asSlice(at + Wire.HEADER_BYTES, payload).toArray(ValueLayout.JAVA_BYTE);
    try {
      LeaseToken token = tokens.verified(signed);
      LeaseTerm.Effect effect = term.accept(token, clock.getAsLong());
      LOG.log(Level.DEBUG, "renewal {0} of the lease: {1}", token.getRenewal(), effect);
    } catch (TokenCheck.Refusal e) {
      breakOff(e.status(), "renewal refused: " + e.reason());
    }
  }

  /** Bytes after the header; -1 if the message does not hold them: the session is over then. */
  private int payloadBytes(MemorySegment buffer, long at, int lengthBytes, String what) {
    int payload = buffer.get(Wire.U32, at + Wire.REQUEST_PAYLOAD_BYTES);
    if (payload != lengthBytes - Wire.HEADER_BYTES) {
      breakOff(
          Status.PROTOCOL_ERROR,
          "%s of %d bytes in a message of %d"
              .formatted(what, Integer.toUnsignedLong(payload), lengthBytes));
      return -1;
    }
    return payload;
  }

  private void goodbye(MemorySegment buffer, long at) {
    byte flags = buffer.get(Wire.U8, at + Wire.FLAGS);
    if ((flags & Wire.GOODBYE_RELEASE) != 0) {
      ending = new Ending(LeaseState.RELEASED, "released by the client over its session");
      end(Status.LEASE_RELEASED, "released by the client");
    } else {
      startDraining();
    }
  }
}
