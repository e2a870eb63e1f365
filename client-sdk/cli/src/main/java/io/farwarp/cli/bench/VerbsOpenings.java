package io.farwarp.cli.bench;

import io.farwarp.client.Device;
import io.farwarp.client.Farwarp;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.PreparedInvocation;
import io.farwarp.client.Session;
import io.farwarp.samples.Sample;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;

/**
 * What comes before the first call over RDMA, by phase, with a small and with a large window: what
 * the large one costs more is registering it, which locks its pages.
 */
final class VerbsOpenings {
  private static final long[] WINDOWS = {1L << 20, 1L << 30};
  private static final int SHARE_MILLIS = 250;
  private static final long TIMEOUT_NS = 60_000_000_000L;

  private final Farwarp farwarp;
  private final int sessions;

  /**
   * @param sessions with each window
   */
  VerbsOpenings(Farwarp farwarp, int sessions) {
    this.farwarp = farwarp;
    this.sessions = sessions;
  }

  List<BenchRow> rows() {
    List<BenchRow> rows = new ArrayList<>();
    for (long bytes : WINDOWS) {
      rows.addAll(withWindow(bytes));
    }
    return rows;
  }

  private List<BenchRow> withWindow(long bytes) {
    String window = "verbs, window of " + (bytes >> 20) + " MiB: ";
    Histogram openUs = new Histogram(3);
    Histogram firstUs = new Histogram(3);
    Histogram closeUs = new Histogram(3);
    double prepareMs;
    try (Lease lease =
        farwarp
            .lease(
                LeaseRequest.on(Device.PTX)
                    .memory(bytes)
                    .shareMillis(SHARE_MILLIS)
                    .duration(Duration.ofMinutes(5))
                    .functions(Sample.NULL.functionName()))
            .await()) {
      prepareMs = lease.prepare().toNanos() / 1e6;
      for (int i = 0; i < sessions; i++) {
        long startNs = System.nanoTime();
        Session session = lease.open(Workbench.over("verbs"));
        openUs.recordValue((System.nanoTime() - startNs) / 1000);
        try {
          firstUs.recordValue(firstCallNs(session) / 1000);
        } finally {
          startNs = System.nanoTime();
          session.close();
          closeUs.recordValue((System.nanoTime() - startNs) / 1000);
        }
      }
    }
    return List.of(
        BenchRow.stated(window + "worker process and function", "ms", prepareMs, Double.NaN),
        stated(window + "connect, prove and register", openUs),
        stated(window + "first call, null kernel", firstUs),
        stated(window + "close and deregister", closeUs));
  }

  private static long firstCallNs(Session session) {
    PreparedInvocation nothing = session.function(Sample.NULL.functionName()).prepare();
    long startNs = System.nanoTime();
    nothing.post(TIMEOUT_NS);
    nothing.await();
    nothing.requireOk();
    return System.nanoTime() - startNs;
  }

  private static BenchRow stated(String figure, Histogram us) {
    return BenchRow.stated(
        figure, "ms", us.getValueAtPercentile(50) / 1e3, us.getValueAtPercentile(99) / 1e3);
  }
}
