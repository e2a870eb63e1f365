package io.farwarp.client;

import io.farwarp.wire.Status;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * A request that the worker has been sent and answers exactly once: an {@link Invocation} or a
 * {@link Transfer}. Any thread.
 *
 * @param <T> the kind itself
 */
public abstract sealed class Posted<T extends Posted<T>> permits Invocation, Transfer {
  private final SessionEngine engine;
  private final WorkRequest request;

  Posted(SessionEngine engine, WorkRequest request) {
    this.engine = engine;
    this.request = request;
  }

  abstract T self();

  /**
   * Waits until it has ended with OK; its own deadline bounds the wait.
   *
   * @throws InvocationException it ended otherwise
   * @throws SessionLostException the session ended first
   */
  public T await() {
    return await(SessionEngine.NO_LIMIT_NS);
  }

  /** The same; after {@code limit} it is cancelled, and ends with DEADLINE_EXCEEDED here. */
  public T await(Duration limit) {
    return await(limit.toNanos());
  }

  private T await(long limitNs) {
    if (!engine.await(request, limitNs)) {
      engine.cancel(request);
      if (Thread.currentThread().isInterrupted()) {
        throw new InvocationException(
            Status.CANCELLED, request.what + ": interrupted while waiting; cancelled");
      }
      throw new InvocationException(
          Status.DEADLINE_EXCEEDED,
          "%s: not done within %s; cancelled".formatted(request.what, Duration.ofNanos(limitNs)));
    }
    if (request.status != Status.OK) {
      throw request.failure(engine.loss());
    }
    return self();
  }

  /** Waits for at most {@code limit} and changes nothing; true when it has ended, however. */
  public boolean awaitEnd(Duration limit) {
    return engine.await(request, limit.toNanos());
  }

  /**
   * Completes with this, or exceptionally as {@link #await()} throws, on the session's own thread:
   * what hangs on it must not block.
   */
  public CompletableFuture<T> future() {
    return engine
        .future(request)
        .thenApply(ended -> {
          if (ended.status != Status.OK) {
            throw ended.failure(engine.loss());
          }
          return self();
        });
  }

  /**
   * Ends it as if its deadline were now; it still completes once, with CANCELLED or as it would.
   */
  public void cancel() {
    engine.cancel(request);
  }

  public boolean isDone() {
    return request.isDone();
  }

  /**
   * How it ended.
   *
   * @throws IllegalStateException it has not
   */
  public Status status() {
    requireDone();
    return request.status;
  }

  /**
   * Why, for people; for OK the beginning of what its kernels printed, whose whole is in the
   * worker's log.
   */
  public String detail() {
    requireDone();
    return request.detail;
  }

  /** Where its time went; once it has ended. */
  public Timings timings() {
    requireDone();
    return request.timings();
  }

  private void requireDone() {
    if (!request.isDone()) {
      throw new IllegalStateException(request.what + " has not ended: await it first");
    }
  }
}
