package io.farwarp.cli.bench;

import io.farwarp.client.Device;
import io.farwarp.client.Farwarp;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.PreparedInvocation;
import io.farwarp.client.Session;
import io.farwarp.client.SessionOptions;
import io.farwarp.samples.Sample;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/** From asking for a lease to the first result, by phase; every worker is started afresh. */
final class LeaseBench {
  private static final int LEASES = 12;
  private static final long WINDOW_BYTES = 64L << 20;
  private static final int SHARE_MILLIS = 250;
  private static final long TIMEOUT_NS = 10_000_000_000L;

  private enum Phase {
    QUEUED("waiting for a grant"),
    PREPARE("starting the worker, loading and warming the function"),
    CONNECT("answering, and opening the session over shm"),
    FIRST("first invocation, null kernel"),
    ALL("altogether");

    private final String text;

    Phase(String text) {
      this.text = text;
    }
  }

  private final Farwarp farwarp;
  private final BenchProgress progress;

  LeaseBench(Farwarp farwarp, BenchProgress progress) {
    this.farwarp = farwarp;
    this.progress = progress;
  }

  List<BenchRow> rows() {
    progress.say("lease to first result, " + LEASES + " times");
    Map<Phase, Histogram> microseconds = new EnumMap<>(Phase.class);
    for (int i = 0; i < LEASES; i++) {
      once(microseconds);
    }
    List<BenchRow> rows = new ArrayList<>();
    for (Map.Entry<Phase, Histogram> measured : microseconds.entrySet()) {
      Histogram times = measured.getValue();
      rows.add(
          BenchRow.stated(
              "lease to first result: " + measured.getKey().text,
              "ms",
              times.getValueAtPercentile(50) / 1e3,
              times.getValueAtPercentile(99) / 1e3));
    }
    return rows;
  }

  private void once(Map<Phase, Histogram> into) {
    long startNs = System.nanoTime();
    try (Lease lease =
        farwarp
            .lease(
                LeaseRequest.on(Device.PTX)
                    .memory(WINDOW_BYTES)
                    .shareMillis(SHARE_MILLIS)
                    .waitAtMost(Duration.ofSeconds(30))
                    .duration(Duration.ofMinutes(1))
                    .functions(Sample.NULL.functionName()))
            .await()) {
      try (Session session = lease.open(SessionOptions.transport("shm"))) {
        PreparedInvocation nothing = session.function(Sample.NULL.functionName()).prepare();
        long openNs = System.nanoTime();
        nothing.post(TIMEOUT_NS);
        nothing.await();
        nothing.requireOk();
        long endNs = System.nanoTime();
        long queuedNs = lease.queued().toNanos();
        long prepareNs = lease.prepare().toNanos();
        record(into, Phase.QUEUED, queuedNs);
        record(into, Phase.PREPARE, prepareNs);
        record(into, Phase.CONNECT, openNs - startNs - queuedNs - prepareNs);
        record(into, Phase.FIRST, endNs - openNs);
        record(into, Phase.ALL, endNs - startNs);
      }
    }
  }

  private static void record(Map<Phase, Histogram> into, Phase phase, long ns) {
    into.computeIfAbsent(phase, any -> new Histogram(3)).recordValue(Math.max(0, ns / 1000));
  }
}
