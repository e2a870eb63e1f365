package io.farwarp.client;

import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.WriteStatus;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.lang.foreign.MemorySegment;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Posts the requests of one session and completes each exactly once: with the worker's answer, with
 * the session's loss, or, where the worker owes an answer beyond deadline and grace, by itself.
 *
 * <p>Everything that touches the queue pair or the slots happens under {@link PollingTurn}'s lock.
 */
final class SessionEngine {
  static final long NO_LIMIT_NS = Long.MAX_VALUE;

  /** How often deadlines, keep-alives and the peer's life are looked after. */
  static final long TICK_NS = TimeUnit.MILLISECONDS.toNanos(250);

  /** How long after its deadline a request waits for the worker to say so. */
  private static final long GRACE_NS = TimeUnit.SECONDS.toNanos(2);

  /** Tensor bytes of a request from which on it is seen to while its caller does other things. */
  private static final long BULK_BYTES = 256 << 10;

  /** Enough to get a last message out of a send queue that is not stuck. */
  private static final int FAREWELL_POLLS = 4;

  private final QueuePair queuePair;
  private final InFlight inFlight;
  private final PollingTurn turn;
  private final Responses responses = new Responses(this);
  private final Outbox outbox;
  private final Consumer<Tensor> freed;

  /** Requests that have ended and whose futures the session's thread completes. */
  private final Queue<WorkRequest> ended = new ConcurrentLinkedQueue<>();

  /** Futures that wait, and bulk requests that move: reasons for the session's thread to poll. */
  private final AtomicInteger pollReasons = new AtomicInteger();

  private final CompletableFuture<SessionLoss> lost = new CompletableFuture<>();

  private volatile @Nullable SessionLoss loss;
  private volatile long coarseNowNs = System.nanoTime();

  // Guarded by the turn's lock.
  private long tickedNs = coarseNowNs;
  private boolean heard;
  private long heardNs = coarseNowNs;
  private long sentNs = coarseNowNs;
  private long posted;
  private long completedOk;
  private long failed;
  private long pushedBytes;
  private long returnedBytes;
  private long copiedBytes;

  /**
   * @param freed told of each closed tensor that no request uses any more; with the lock held
   */
  SessionEngine(QueuePair queuePair, int maxInFlight, long hotNs, Consumer<Tensor> freed) {
    this.queuePair = queuePair;
    this.outbox = new Outbox(queuePair, responses);
    this.inFlight = new InFlight(maxInFlight);
    this.turn = new PollingTurn(this, queuePair, responses, hotNs);
    this.freed = freed;
  }

  PollingTurn turn() {
    return turn;
  }

  InFlight inFlight() {
    return inFlight;
  }

  @Nullable SessionLoss loss() {
    return loss;
  }

  /** Completes when the session is lost or closed; on the session's thread. */
  CompletableFuture<SessionLoss> lost() {
    return lost;
  }

  Outbox outbox() {
    return outbox;
  }

  /** True while the session's thread is to poll where nobody else does. */
  boolean wantsPolling() {
    return pollReasons.get() > 0;
  }

  SessionMetrics metrics() {
    turn.lock();
    try {
      return new SessionMetrics(
          posted, completedOk, failed, pushedBytes, returnedBytes, copiedBytes, turn.warmWaits());
    } finally {
      turn.unlock();
    }
  }

  // Posting.

  /**
   * Posts now, or answers false where every slot or place is taken.
   *
   * @throws IllegalArgumentException a time-out below 1 or over a deadline's limit
   */
  boolean tryPost(WorkRequest request, long timeoutNs) {
    if (timeoutNs < 1 || timeoutNs > SessionOptions.MAX_DEADLINE_NS) {
      throw SessionOptions.deadlineError(timeoutNs);
    }
    copyIn(request);
    turn.lock();
    try {
      return postLocked(request, timeoutNs);
    } finally {
      turn.unlock();
    }
  }

  /** Posts; while all slots are taken it waits, {@code timeoutNs} at most. */
  void post(WorkRequest request, long timeoutNs) {
    if (tryPost(request, timeoutNs)) {
      return;
    }
    long deadlineNs = System.nanoTime() + timeoutNs;
    long leftNs = timeoutNs;
    while (leftNs > 0) {
      turn.awaitRoom(leftNs);
      leftNs = deadlineNs - System.nanoTime();
      if (leftNs > 0 && tryPost(request, leftNs)) {
        return;
      }
    }
    throw new InvocationException(
        Status.DEADLINE_EXCEEDED,
        "%s: all %d slots of the session were taken until the deadline"
            .formatted(request.what, inFlight.capacity()));
  }

  /** True when a request could be posted now. With the lock held. */
  boolean hasRoom() {
    return loss != null || (!inFlight.isFull() && outbox.hasRoom());
  }

  private static void copyIn(WorkRequest request) {
    for (WorkRequest.CopyIn copy : request.copies) {
      MemorySegment.copy(copy.source(), 0, copy.target(), 0, copy.source().byteSize());
    }
  }

  private boolean postLocked(WorkRequest request, long timeoutNs) {
    requireOpen(request);
    if (request.isPosted()) {
      throw new IllegalStateException(request.what + " is in flight already");
    }
    if (inFlight.isFull()) {
      return false;
    }
    switch (outbox.push(request)) {
      case YES -> {}
      case NO_PLACE -> {
        return false;
      }
      case STUCK -> {
        lose(Status.LINK_BROKEN, "the worker takes no pushed bytes");
        return false;
      }
    }
    for (WorkRequest.Use use : request.uses) {
      use.tensor().use(use.writes());
    }
    inFlight.take(request);
    request.state = WorkRequest.POSTED;
    request.cancelled = false;
    request.cancelSent = false;
    request.backstopNs = coarseNowNs + timeoutNs + GRACE_NS;
    request.syncedWrites = request.synced == null ? 0 : request.synced.writeCount();
    request.postedNs = request.timed ? System.nanoTime() : 0;
    outbox.send(request, timeoutNs);
    posted++;
    pushedBytes += request.pushedBytes;
    returnedBytes += request.returnedBytes;
    if (isBulk(request)) {
      pollReasons.incrementAndGet();
      turn.wakeSessionThread();
    }
    for (WorkRequest.CopyIn copy : request.copies) {
      copiedBytes += copy.source().byteSize();
    }
    return true;
  }

  private static boolean isBulk(WorkRequest request) {
    return request.pushedBytes + request.returnedBytes >= BULK_BYTES;
  }

  private void requireOpen(WorkRequest request) {
    SessionLoss known = loss;
    if (known != null) {
      throw new SessionLostException(
          known.status(), "%s: the session has ended: %s".formatted(request.what, known.reason()));
    }
    for (WorkRequest.Use use : request.uses) {
      if (use.tensor().isClosed()) {
        throw new TensorException(
            Status.INVALID_ARGUMENT, request.what + ": " + use.tensor() + " is closed");
      }
    }
  }

  // Waiting, cancelling.

  /** Waits until {@code request} has ended; false when {@code limitNs} passed first. */
  boolean await(WorkRequest request, long limitNs) {
    return request.isDone() || turn.await(request, limitNs);
  }

  CompletableFuture<WorkRequest> future(WorkRequest request) {
    CompletableFuture<WorkRequest> future;
    synchronized (request) {
      @Nullable CompletableFuture<WorkRequest> known = request.future;
      if (known != null) {
        return known;
      }
      future = new CompletableFuture<>();
      pollReasons.incrementAndGet();
      request.future = future;
    }
    if (request.isDone()) {
      finish(request);
    } else {
      turn.wakeSessionThread();
    }
    return future;
  }

  void cancel(WorkRequest request) {
    turn.lock();
    try {
      if (request.isPosted() && loss == null && !request.cancelled) {
        request.cancelled = true;
        long soonNs = coarseNowNs + TICK_NS + GRACE_NS;
        if (soonNs - request.backstopNs < 0) {
          request.backstopNs = soonNs;
        }
        request.cancelSent = outbox.sendCancel(request);
      }
    } finally {
      turn.unlock();
    }
  }

  // Completing; with the lock held.

  void completed(
      int slot,
      long id,
      Status status,
      String detail,
      long queueNs,
      long copyInNs,
      long kernelNs,
      long copyOutNs) {
    if (loss != null) {
      return;
    }
    switch (inFlight.match(slot, id)) {
      case LIVE -> {
        WorkRequest request = inFlight.live(slot);
        if (request != null) {
          request.queueNs = queueNs;
          request.copyInNs = copyInNs;
          request.kernelNs = kernelNs;
          request.copyOutNs = copyOutNs;
          inFlight.free(slot);
          release(request.uses);
          end(request, status, detail);
        }
      }
      case ABANDONED -> {
        @Nullable WorkRequest request = inFlight.abandoned(slot);
        inFlight.free(slot);
        if (request != null) {
          release(request.uses);
        }
        turn.roomMade();
      }
      case NONE ->
          lose(
              Status.PROTOCOL_ERROR,
              "the worker completed invocation %d in slot %d, which is not in flight"
                  .formatted(id, Integer.toUnsignedLong(slot)));
    }
  }

  void heard() {
    heard = true;
  }

  void signOfLifeAsked() {
    // Where there is no room for it, requests are on their way, which show the same.
    var _ = outbox.sendKeepAlive();
  }

  void written(WriteStatus status) {
    outbox.pushEnded();
    heard = true;
    switch (status) {
      case OK, FLUSHED -> {}
      case REMOTE_ACCESS_ERROR ->
          lose(Status.LEASE_REVOKED, "the worker's window is closed to this session's writes");
    }
  }

  void disconnected(String reason) {
    boolean sameHost = queuePair.remoteExposed().mapped().isPresent();
    String why = reason.isEmpty() ? "the connection was closed" : reason;
    lose(
        sameHost ? Status.WORKER_LOST : Status.LINK_BROKEN,
        (sameHost ? "the worker is gone: " : "the connection to the worker broke: ") + why);
  }

  /** Ends the session: whatever is in flight ends with {@code status}. The first call counts. */
  void lose(Status status, String reason) {
    if (loss != null) {
      return;
    }
    SessionLoss known = new SessionLoss(status, reason);
    loss = known;
    for (int slot = 0; slot < inFlight.capacity(); slot++) {
      @Nullable WorkRequest request = inFlight.live(slot);
      if (request != null) {
        request.queueNs = request.copyInNs = request.kernelNs = request.copyOutNs = 0;
        inFlight.free(slot);
        release(request.uses);
        end(request, status, reason);
      }
    }
    queuePair.abort(reason);
    turn.allChanged();
  }

  /** Ends the session for this side's own reason, and lets the worker know as far as that goes. */
  void sayGoodbye(boolean releasesLease) {
    if (loss == null && outbox.sendGoodbye(releasesLease)) {
      for (int i = 0; i < FAREWELL_POLLS && queuePair.isOpen(); i++) {
        var _ = queuePair.poll(responses, PollingTurn.EVENTS_AT_ONCE);
      }
    }
    lose(Status.CANCELLED, "the session was closed");
  }

  private void end(WorkRequest request, Status status, String detail) {
    request.status = status;
    request.detail = detail;
    request.totalNs = request.timed ? System.nanoTime() - request.postedNs : 0;
    if (status == Status.OK) {
      completedOk++;
      if (request.synced != null) {
        request.synced.seen(request.syncedWrites);
      }
    } else {
      failed++;
    }
    if (isBulk(request)) {
      pollReasons.decrementAndGet();
    }
    request.state = WorkRequest.DONE;
    @Nullable Thread waiter = request.waiter;
    if (waiter != null) {
      LockSupport.unpark(waiter);
    }
    if (request.future != null) {
      ended.add(request);
      turn.wakeSessionThread();
    }
    turn.roomMade();
  }

  private void release(WorkRequest.Use[] uses) {
    for (WorkRequest.Use use : uses) {
      if (use.tensor().release()) {
        freed.accept(use.tensor().root());
      }
    }
  }

  // The session's own time.

  /** Any thread; keeps {@link #coarseNowNs} fresh enough for backstops. */
  void tellTime(long nowNs) {
    coarseNowNs = nowNs;
  }

  /** Looks after deadlines, keep-alives and silence, where it is time to. With the lock held. */
  void tick(long nowNs) {
    if (nowNs - tickedNs < TICK_NS || loss != null) {
      return;
    }
    tickedNs = nowNs;
    coarseNowNs = nowNs;
    heardNs = heard || inFlight.taken() == 0 ? nowNs : heardNs;
    sentNs = outbox.takeSent() ? nowNs : sentNs;
    heard = false;
    if (inFlight.taken() == 0) {
      return;
    }
    if (nowNs - heardNs > Wire.SILENCE_LIMIT_NS) {
      lose(Status.LINK_BROKEN, "nothing was heard from the worker for 20 s");
      return;
    }
    if (nowNs - sentNs >= Wire.KEEP_ALIVE_NS && outbox.sendKeepAlive()) {
      sentNs = nowNs;
    }
    for (int slot = 0; slot < inFlight.capacity(); slot++) {
      @Nullable WorkRequest request = inFlight.live(slot);
      if (request != null && request.cancelled && !request.cancelSent) {
        request.cancelSent = outbox.sendCancel(request);
      }
      if (request != null && nowNs - request.backstopNs > 0) {
        inFlight.abandon(request);
        request.queueNs = request.copyInNs = request.kernelNs = request.copyOutNs = 0;
        end(
            request,
            request.cancelled ? Status.CANCELLED : Status.DEADLINE_EXCEEDED,
            "the worker did not answer in time");
      }
    }
  }

  /** True when futures wait to be completed by {@link #finishEnded}. */
  boolean hasEnded() {
    return !ended.isEmpty();
  }

  /** Completes the futures of what has ended. On the session's thread, without the lock. */
  void finishEnded() {
    @Nullable WorkRequest request;
    while ((request = ended.poll()) != null) {
      finish(request);
    }
    SessionLoss known = loss;
    if (known != null) {
      lost.complete(known);
    }
  }

  private void finish(WorkRequest request) {
    @Nullable CompletableFuture<WorkRequest> future = request.future;
    if (future != null && future.complete(request)) {
      pollReasons.decrementAndGet();
    }
  }
}
