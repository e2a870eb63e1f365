package io.farwarp.gateway;

import static org.junit.jupiter.api.Assertions.fail;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/** Waiting in tests, never for ever. */
final class Await {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private Await() {}

  /**
   * Asks until the answer is yes. For what a gateway can only be asked for: each question is a call
   * to it, whose answer is waited for.
   */
  static void answer(String what, BooleanSupplier question) {
    long untilNs = System.nanoTime() + LIMIT.toNanos();
    while (!question.getAsBoolean()) {
      if (System.nanoTime() > untilNs) {
        fail("did not happen within " + LIMIT + ": " + what);
      }
    }
  }

  /** Waits on {@code monitor}, which is held and notified of changes, until {@code condition}. */
  static void notified(Object monitor, String what, BooleanSupplier condition) {
    long untilNs = System.nanoTime() + LIMIT.toNanos();
    try {
      while (!condition.getAsBoolean()) {
        long leftMs = TimeUnit.NANOSECONDS.toMillis(untilNs - System.nanoTime());
        if (leftMs <= 0) {
          fail("did not happen within " + LIMIT + ": " + what);
        }
        monitor.wait(leftMs);
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  static <T> T future(CompletableFuture<T> future) {
    try {
      return future.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }
}
