package io.farwarp.gateway.book;

import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * When which lease or executor has to be looked at. A subject has one entry that counts, the
 * earliest, and is asked when that comes; so a deadline that moves back again and again costs
 * nothing.
 */
final class Timers {
  sealed interface Timer {
    long atNs();
  }

  record OfLease(long atNs, Lease lease) implements Timer {}

  record OfExecutor(long atNs, Executor executor) implements Timer {}

  private final PriorityQueue<Timer> queue =
      new PriorityQueue<>((a, b) -> Long.compare(a.atNs(), b.atNs()));

  /** {@code lease} is to be looked at when it says. */
  void arm(Lease lease) {
    long atNs = lease.dueNs();
    if (atNs < lease.timerNs) {
      lease.timerNs = atNs;
      queue.add(new OfLease(atNs, lease));
    }
  }

  void arm(Executor executor, long atNs) {
    if (atNs < executor.timerNs) {
      executor.timerNs = atNs;
      queue.add(new OfExecutor(atNs, executor));
    }
  }

  /** The next entry that is due at {@code nowNs}, taken out; null: none is. */
  @Nullable Timer due(long nowNs) {
    for (Timer first = queue.peek(); first != null && first.atNs() <= nowNs; first = queue.peek()) {
      queue.remove();
      switch (first) {
        case OfLease t -> {
          if (t.lease.timerNs == t.atNs) {
            t.lease.timerNs = Lease.NEVER;
            return t;
          }
        }
        case OfExecutor t -> {
          if (t.executor.timerNs == t.atNs) {
            t.executor.timerNs = Lease.NEVER;
            return t;
          }
        }
      }
    }
    return null;
  }

  long nextNs() {
    Timer first = queue.peek();
    return first == null ? Lease.NEVER : first.atNs();
  }
}
