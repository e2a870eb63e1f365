package io.farwarp.gateway;

import io.farwarp.wire.Status;
import io.grpc.StatusRuntimeException;
import java.lang.System.Logger.Level;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waiting, in a call's own virtual thread, for what the lease book answers. */
final class Replies {
  private static final System.Logger LOG = System.getLogger(Replies.class.getName());

  /** Answers of the book alone take milliseconds; this bounds a book that is stuck. */
  static final long BOOK_NS = TimeUnit.SECONDS.toNanos(20);

  private Replies() {}

  static <T> T await(CompletableFuture<T> reply) throws Refusal {
    return await(reply, BOOK_NS, "the lease book did not answer");
  }

  static <T> T await(CompletableFuture<T> reply, long limitNs, String late) throws Refusal {
    try {
      return reply.get(limitNs, TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      reply.cancel(false);
      throw Refusal.of(
          Status.DEADLINE_EXCEEDED,
          "%s within %d ms".formatted(late, TimeUnit.NANOSECONDS.toMillis(limitNs)));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      reply.cancel(false);
      throw Refusal.unavailable("the gateway is shutting down");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Refusal refusal) {
        throw refusal;
      }
      throw new IllegalStateException("the lease book failed", e);
    }
  }

  /** What a caller is told of {@code failure}; a defect is logged and not told in full. */
  static StatusRuntimeException toGrpc(Exception failure) {
    return switch (failure) {
      case Refusal refusal -> refusal.toGrpc();
      case StatusRuntimeException already -> already;
      default -> {
        LOG.log(Level.ERROR, "a call failed", failure);
        yield Refusal.of(Status.INTERNAL, "a defect of the gateway: its log says more").toGrpc();
      }
    };
  }
}
