package io.farwarp.gateway;

import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BiPredicate;

/**
 * Heartbeats that have come and that the lease book has not seen. Streams record them at once,
 * whatever the book's thread is busy with, so that load on it makes no agent count as silent. At
 * most one entry for each stream.
 */
final class Heartbeats {
  private record Beat(String executorId, AgentLink link) {}

  private final Queue<Beat> beats = new ConcurrentLinkedQueue<>();

  /** Any thread. */
  void record(String executorId, AgentLink link, long nowNs) {
    if (link.heard(nowNs)) {
      beats.add(new Beat(executorId, link));
    }
  }

  /** Takes what was recorded on streams that are {@code current}: when, by executor id. */
  Map<String, Long> take(BiPredicate<String, AgentLink> current) {
    if (beats.isEmpty()) {
      return Map.of();
    }
    Map<String, Long> heardNs = new HashMap<>();
    for (Beat beat = beats.poll(); beat != null; beat = beats.poll()) {
      long atNs = beat.link.takeHeardNs();
      if (current.test(beat.executorId, beat.link)) {
        heardNs.put(beat.executorId, atNs);
      }
    }
    return heardNs;
  }
}
