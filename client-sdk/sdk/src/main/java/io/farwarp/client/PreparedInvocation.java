package io.farwarp.client;

import io.farwarp.wire.Status;

/**
 * A call whose message is built and whose tensors are fixed: post it, await it, post it again.
 * Neither allocates while all goes well. One thread at a time; several prepared invocations may be
 * in flight side by side.
 */
public final class PreparedInvocation {
  private final SessionEngine engine;
  private final WorkRequest request;

  PreparedInvocation(SessionEngine engine, WorkRequest request) {
    this.engine = engine;
    this.request = request;
  }

  /**
   * Posts it; waits for a free slot where there is none.
   *
   * @param timeoutNs what the call may take, 1 to {@link SessionOptions#MAX_DEADLINE}
   * @throws IllegalStateException it is in flight already
   * @throws SessionLostException the session has ended
   * @throws InvocationException no slot was free until the deadline
   */
  public void post(long timeoutNs) {
    engine.post(request, timeoutNs);
  }

  /** The same, but answers false where no slot is free. */
  public boolean tryPost(long timeoutNs) {
    return engine.tryPost(request, timeoutNs);
  }

  /**
   * Waits until the call has ended, which its deadline bounds.
   *
   * @return how it ended; nothing is thrown for a failure
   * @throws IllegalStateException it was never posted
   */
  public Status await() {
    requirePosted();
    while (!engine.await(request, SessionEngine.NO_LIMIT_NS)) {
      if (Thread.currentThread().isInterrupted()) {
        engine.cancel(request);
        return Status.CANCELLED;
      }
    }
    return request.status;
  }

  /** Waits for at most {@code limitNs}; true when the call has ended. */
  public boolean await(long limitNs) {
    requirePosted();
    return engine.await(request, limitNs);
  }

  public boolean isDone() {
    return request.isDone();
  }

  /** Ends the call as if its deadline were now; it still completes once. */
  public void cancel() {
    engine.cancel(request);
  }

  /** How the latest call ended. */
  public Status status() {
    requireDone();
    return request.status;
  }

  /**
   * Throws what the latest call failed with, if it did.
   *
   * @throws InvocationException or {@link SessionLostException}
   */
  public void requireOk() {
    requireDone();
    if (request.status != Status.OK) {
      throw request.failure(engine.loss());
    }
  }

  /**
   * Why the latest call failed, for people; for OK the beginning of what its kernels printed, whose
   * whole is in the worker's log.
   */
  public String detail() {
    requireDone();
    return request.detail;
  }

  /** From arrival at the worker to the start of the launch. */
  public long queueNs() {
    return request.queueNs;
  }

  public long copyInNs() {
    return request.copyInNs;
  }

  public long kernelNs() {
    return request.kernelNs;
  }

  public long copyOutNs() {
    return request.copyOutNs;
  }

  /** The four times of the latest call together; allocates. */
  public Timings timings() {
    requireDone();
    return request.timings();
  }

  private void requirePosted() {
    if (request.isIdle()) {
      throw new IllegalStateException(request.what + " was never posted");
    }
  }

  private void requireDone() {
    if (!request.isDone()) {
      throw new IllegalStateException(request.what + " has not ended: await it first");
    }
  }
}
