package io.farwarp.cli.bench.gateway;

import io.farwarp.cli.ChildProcess;
import io.farwarp.cli.CommandException;
import io.farwarp.cli.JavaCommand;
import io.farwarp.cli.TemporaryDirectory;
import io.farwarp.cli.bench.BenchProgress;
import io.farwarp.cli.bench.BenchRow;
import io.farwarp.cli.bench.PeerProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A gateway with many agents, each with a connection and a heartbeat a second, and clients that
 * acquire and release: pairs a second, what the gateway uses, a long queue, and a restart.
 */
public final class GatewayBench {
  private static final int MOST_AGENTS = 10_000;
  private static final int TENANTS = 200;
  private static final int CLIENTS = 32;
  private static final int SMALL_SHARE = 10;
  private static final int WHOLE_DEVICE = 1000;
  private static final int TINY_SHARE = 1;
  private static final long HEARTBEAT_MS = 1_000;
  private static final Duration START_LIMIT = Duration.ofMinutes(2);
  private static final long LIMIT_S = 600;

  /** At most this many requests are sent that the gateway has not answered. */
  private static final int UNDER_WAY = 256;

  /**
   * How much of it.
   *
   * @param fleets agents, one gateway after the other
   * @param warmUp load before it is measured
   * @param measured load, and idle time, that is measured
   * @param queued requests that wait, or hold a device for a moment
   * @param stored leases in the store of the gateway that is restarted
   */
  public record Effort(
      List<Integer> fleets, Duration warmUp, Duration measured, int queued, int stored) {
    public static Effort full() {
      return new Effort(
          List.of(1_000, 3_000, 10_000),
          Duration.ofSeconds(10),
          Duration.ofSeconds(15),
          100_000,
          100_000);
    }

    public Effort withFleets(List<Integer> others) {
      for (int agents : others) {
        if (agents < 1 || agents > MOST_AGENTS) {
          throw new CommandException(
              "--agents %d; it takes 1 to %d".formatted(agents, MOST_AGENTS));
        }
      }
      return new Effort(others, warmUp, measured, queued, stored);
    }

    /** Shows that it works, not how fast it is. */
    public static Effort least() {
      return new Effort(List.of(10), Duration.ofMillis(200), Duration.ofMillis(500), 200, 200);
    }
  }

  private final Effort effort;
  private final BenchProgress progress;
  private final List<GrowthPlot.Point> points = new ArrayList<>();

  public GatewayBench(Effort effort, BenchProgress progress) {
    this.effort = effort;
    this.progress = progress;
  }

  /** Adds each row when it is measured. */
  public void measureInto(List<BenchRow> rows) throws IOException {
    for (int agents : effort.fleets) {
      try (Rig rig = new Rig(agents)) {
        idle(rig, rows);
        pairs(rig, rows);
        if (agents == effort.fleets.getFirst()) {
          queue(rig, rows);
        }
      }
    }
    restart(rows);
  }

  /** How the figures grow with the fleet, as SVG; after {@link #measureInto}. */
  public String plot() {
    return GrowthPlot.svg(points);
  }

  /** A gateway in a process, its agents in another, and its clients in this one. */
  private final class Rig implements AutoCloseable {
    final int agents;
    final TemporaryDirectory directory = TemporaryDirectory.create("farwarp-bench-");
    final Path data = directory.resolve("gateway");
    ChildProcess gateway;
    String address;
    final PeerProcess fleet;
    LeaseClients clients;

    Rig(int agents) throws IOException {
      this.agents = agents;
      Tokens.write(data, TENANTS);
      gateway = startGateway(data);
      address = address(gateway);
      progress.say(agents + " agents attach");
      fleet =
          new PeerProcess(
              "fleet",
              JavaCommand.of(
                  FleetPeer.class,
                  List.of(),
                  List.of(
                      address,
                      data.resolve("agent.token").toString(),
                      Integer.toString(agents),
                      Long.toString(HEARTBEAT_MS))));
      String said = fleet.line();
      if (!said.equals("attached")) {
        throw new IOException("the fleet said " + said);
      }
      clients = new LeaseClients(address, TENANTS);
    }

    void newClients() {
      clients.close();
      clients = new LeaseClients(address, TENANTS);
    }

    @Override
    public void close() throws IOException {
      clients.close();
      fleet.close();
      gateway.close();
      directory.close();
    }
  }

  private static ChildProcess startGateway(Path data) {
    return ChildProcess.start(
        _ -> {},
        Duration.ZERO,
        List.of("gateway", "--listen", "127.0.0.1:0", "--data-dir", data.toString()));
  }

  private static String address(ChildProcess gateway) {
    String ready = gateway.awaitReady(START_LIMIT);
    return ready.substring(ready.lastIndexOf(' ') + 1);
  }

  /** Agents' heartbeats and nothing else. */
  private void idle(Rig rig, List<BenchRow> rows) throws IOException {
    progress.say(rig.agents + " agents, no load");
    sleep(effort.warmUp);
    ProcessUse use = new ProcessUse(rig.gateway.pid());
    Duration before = use.processorTime();
    long startNs = System.nanoTime();
    sleep(effort.measured);
    double cores =
        use.processorTime().minus(before).toNanos() / (double) (System.nanoTime() - startNs);
    double mib = use.residentBytes() / (double) (1 << 20);
    BenchRow coresRow =
        BenchRow.stated(
            "gateway with %d agents that only live: cores".formatted(rig.agents),
            "cores",
            cores,
            Double.NaN);
    BenchRow memoryRow =
        BenchRow.stated(
            "gateway with %d agents that only live: memory".formatted(rig.agents),
            "MiB",
            mib,
            Double.NaN);
    boolean judged = rig.agents >= 10_000;
    rows.add(judged ? coresRow.reaching("1 core", cores < 1) : coresRow);
    rows.add(judged ? memoryRow.reaching("1 GiB", mib < 1024) : memoryRow);
    points.add(new GrowthPlot.Point(rig.agents, cores, mib, 0, 0));
  }

  private void pairs(Rig rig, List<BenchRow> rows) {
    progress.say(rig.agents + " agents, " + CLIENTS + " clients acquire and release");
    for (int client = 0; client < CLIENTS; client++) {
      rig.clients.loop(client, SMALL_SHARE, () -> {});
    }
    sleep(effort.warmUp);
    LeaseClients.Pairs pairs = measure(rig.clients);
    double perSecond = pairs.perSecond();
    double p50Ms = pairs.ns().getValueAtPercentile(50) / 1e6;
    double p99Ms = pairs.ns().getValueAtPercentile(99) / 1e6;
    BenchRow rate =
        BenchRow.stated(
            "acquire and release, %d agents, %d clients: pairs".formatted(rig.agents, CLIENTS),
            "1/s",
            perSecond,
            Double.NaN);
    BenchRow time =
        BenchRow.stated(
            "acquire and release, %d agents, %d clients: a pair".formatted(rig.agents, CLIENTS),
            "ms",
            p50Ms,
            p99Ms);
    boolean judged = rig.agents == 1_000;
    rows.add(judged ? rate.reaching("2000/s", perSecond >= 2_000) : rate);
    rows.add(judged ? time.reaching("p99 50 ms", p99Ms <= 50) : time);
    GrowthPlot.Point idle = points.removeLast();
    points.add(new GrowthPlot.Point(rig.agents, idle.cores(), idle.mib(), perSecond, p99Ms));
  }

  /**
   * Every device is taken as a whole, and each client that has one gives it back at once and asks
   * again: first few wait for each that comes free, then many.
   */
  private void queue(Rig rig, List<BenchRow> rows) throws IOException {
    progress.say(CLIENTS + " requests wait");
    rig.newClients();
    double few = grants(rig, rig.agents + CLIENTS);
    progress.say(effort.queued + " requests wait");
    rig.newClients();
    double many = grants(rig, effort.queued);
    double mib = new ProcessUse(rig.gateway.pid()).residentBytes() / (double) (1 << 20);
    rows.add(
        BenchRow.compared(
                "grants while %d requests wait".formatted(effort.queued),
                "1/s",
                many,
                Double.NaN,
                few,
                CLIENTS + " requests that wait")
            .reaching("0.9x", many >= 0.9 * few));
    rows.add(
        BenchRow.stated(
            "gateway while %d requests wait: memory".formatted(effort.queued),
            "MiB",
            mib,
            Double.NaN));
  }

  /** Grants a second to {@code requests} clients that want a whole device each. */
  private double grants(Rig rig, int requests) {
    Semaphore underWay = new Semaphore(UNDER_WAY);
    for (int client = 0; client < requests; client++) {
      await(underWay, 1, rig.clients);
      AtomicBoolean first = new AtomicBoolean(true);
      rig.clients.loop(
          client,
          WHOLE_DEVICE,
          () -> {
            if (first.compareAndSet(true, false)) {
              underWay.release();
            }
          });
    }
    await(underWay, UNDER_WAY, rig.clients);
    sleep(effort.warmUp);
    return measure(rig.clients).perSecond();
  }

  private void restart(List<BenchRow> rows) throws IOException {
    int agents = Math.max(effort.fleets.getFirst(), effort.stored / 1_000);
    try (Rig rig = new Rig(agents)) {
      progress.say(effort.stored + " leases are made");
      acquire(rig.clients, effort.stored);
      rig.clients.close();
      rig.gateway.close();
      progress.say("the gateway starts again");
      long startNs = System.nanoTime();
      rig.gateway = startGateway(rig.data);
      var _ = address(rig.gateway);
      double seconds = (System.nanoTime() - startNs) / 1e9;
      rows.add(
          BenchRow.stated(
                  "gateway ready again, %d leases in its store".formatted(effort.stored),
                  "s",
                  seconds,
                  Double.NaN)
              .reaching("3 s", seconds <= 3));
    }
  }

  private static void acquire(LeaseClients clients, int leases) {
    Semaphore underWay = new Semaphore(UNDER_WAY);
    for (int i = 0; i < leases; i++) {
      await(underWay, 1, clients);
      var _ = clients.acquire(i, TINY_SHARE, () -> {}).whenComplete((_, _) -> underWay.release());
    }
    await(underWay, UNDER_WAY, clients);
  }

  private LeaseClients.Pairs measure(LeaseClients clients) {
    try {
      return clients.measure(effort.measured);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private static void await(Semaphore permits, int count, LeaseClients clients) {
    try {
      for (long waitedS = 0; !permits.tryAcquire(count, 1, TimeUnit.SECONDS); waitedS++) {
        clients.requireNoFailure();
        if (waitedS == LIMIT_S) {
          throw new IllegalStateException("the gateway has not answered for " + LIMIT_S + " s");
        }
      }
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private static void sleep(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  private static IllegalStateException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new IllegalStateException("interrupted", e);
  }
}
