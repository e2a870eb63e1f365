package io.farwarp.client;

import io.farwarp.rdma.MemoryRegion;
import io.farwarp.wire.Status;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One invocation, fence or pull: its message and its pushes, built once, and how its latest post
 * ended. Reusable once that has ended.
 *
 * <p>Threads: the built part does not change. Everything else is written under the engine's lock by
 * whoever posts or polls; {@link #state} is written last, so that a thread that reads {@link #DONE}
 * from it sees the rest.
 */
final class WorkRequest {
  static final int IDLE = 0;
  static final int POSTED = 1;
  static final int DONE = 2;

  /** Bytes that move to the worker before the message. */
  record Push(MemoryRegion source, long sourceOffsetBytes, long targetOffsetBytes, long bytes) {}

  /** Bytes of the caller's own memory that are copied into the window before the message. */
  record CopyIn(MemorySegment source, MemorySegment target) {}

  /** A tensor that the request uses until it ends. */
  record Use(Tensor tensor, boolean writes) {}

  final byte[] message;
  final MemorySegment messageBytes;
  final Push[] pushes;
  final CopyIn[] copies;
  final Use[] uses;
  final long pushedBytes;
  final long returnedBytes;

  /** For people: "invocation of saxpy:1". */
  final String what;

  /** The tensor that a push or pull is for. */
  final @Nullable Tensor synced;

  /** Whether to read the clock around it. */
  final boolean timed;

  volatile int state = IDLE;
  volatile @Nullable Thread waiter;
  volatile @Nullable CompletableFuture<WorkRequest> future;

  long invocationId;
  int slot;
  boolean cancelled;
  boolean cancelSent;
  long backstopNs;
  long postedNs;
  long syncedWrites;

  Status status = Status.OK;
  String detail = "";
  long queueNs;
  long copyInNs;
  long kernelNs;
  long copyOutNs;
  long totalNs;

  WorkRequest(
      byte[] message,
      Push[] pushes,
      CopyIn[] copies,
      Use[] uses,
      long returnedBytes,
      String what,
      @Nullable Tensor synced,
      boolean timed) {
    this.message = message;
    this.messageBytes = MemorySegment.ofArray(message);
    this.pushes = pushes;
    this.copies = copies;
    this.uses = uses;
    long sum = 0;
    for (Push push : pushes) {
      sum += push.bytes();
    }
    this.pushedBytes = sum;
    this.returnedBytes = returnedBytes;
    this.what = what;
    this.synced = synced;
    this.timed = timed;
  }

  /** Makes {@code thread} the one to unpark when this has ended; false where another one is. */
  synchronized boolean claimWaiter(Thread thread) {
    if (waiter != null && waiter != thread) {
      return false;
    }
    waiter = thread;
    return true;
  }

  boolean isDone() {
    return state == DONE;
  }

  /** True before the first post. */
  boolean isIdle() {
    return state == IDLE;
  }

  boolean isPosted() {
    return state == POSTED;
  }

  Timings timings() {
    return new Timings(queueNs, copyInNs, kernelNs, copyOutNs, totalNs);
  }

  /** What the failure of this request is thrown as. */
  FarwarpException failure(@Nullable SessionLoss loss) {
    String text = "%s: %s%s".formatted(what, status, detail.isEmpty() ? "" : ": " + detail);
    return loss != null && loss.status() == status
        ? new SessionLostException(status, text)
        : new InvocationException(status, text);
  }
}
