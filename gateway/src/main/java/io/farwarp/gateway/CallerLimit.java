package io.farwarp.gateway;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** How many of one kind of thing each caller has at a time. So one that takes all harms itself. */
final class CallerLimit {
  private final int most;
  private final ConcurrentMap<String, Integer> counts = new ConcurrentHashMap<>();

  CallerLimit(int most) {
    this.most = most;
  }

  int most() {
    return most;
  }

  /** One more of {@code name}, to be given back by {@link #leave}; false: it has the most. */
  boolean enter(String name) {
    boolean[] entered = new boolean[1];
    counts.compute(
        name,
        (_, count) -> {
          int now = count == null ? 0 : count;
          entered[0] = now < most;
          return entered[0] ? Integer.valueOf(now + 1) : count;
        });
    return entered[0];
  }

  void leave(String name) {
    counts.computeIfPresent(name, (_, count) -> count == 1 ? null : count - 1);
  }
}
