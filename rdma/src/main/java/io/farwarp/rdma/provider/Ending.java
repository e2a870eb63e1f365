package io.farwarp.rdma.provider;

import io.farwarp.rdma.CompletionHandler;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * How a queue pair comes to its end: any thread may abort it, the one that polls ends it for a
 * reason and hands that over once, and its owner closes it.
 */
public final class Ending {
  private final AtomicReference<@Nullable String> abortReason = new AtomicReference<>();
  private @Nullable String reason;
  private boolean delivered;
  private volatile boolean closed;

  /** True if this is the first reason; any thread. */
  public boolean abort(String why) {
    return abortReason.compareAndSet(null, why);
  }

  /** The connection is over for this side; on the thread that polls. */
  public void end(String why) {
    reason = why;
  }

  /** Why the connection is over; null: it is not. */
  public @Nullable String reason() {
    return reason;
  }

  /** Why somebody has aborted a connection that is not over yet; null: nobody has. */
  public @Nullable String untoldAbort() {
    return reason == null ? abortReason.get() : null;
  }

  /** Tells {@code handler} of the end, which must have come; the last event of all. */
  public void deliver(CompletionHandler handler) {
    String why = reason;
    if (why == null) {
      throw new IllegalStateException("the connection has not ended");
    }
    delivered = true;
    handler.disconnected(why);
  }

  public void close() {
    closed = true;
  }

  public boolean isClosed() {
    return closed;
  }

  /** Requests may be posted. */
  public boolean isOpen() {
    return !isDue();
  }

  /** Something of the end is still to be done or told, or it has been. */
  public boolean isDue() {
    return closed || reason != null || abortReason.get() != null;
  }

  /** No event comes any more. */
  public boolean isOver() {
    return delivered || closed;
  }
}
