package io.farwarp.gateway.book;

import io.farwarp.v1.DeviceClass;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * The rule of who is next: the tenant that holds the least of the fleet, measured by the resource
 * of which it holds most (dominant resource fairness, Ghodsi et al., NSDI 2011), and of that
 * tenant's requests the one of the highest priority, where each step of priority counts as a minute
 * of waiting, so that none of them starves either. What a tenant was granted or is ahead in the
 * queue with counts as held for its next request, so a flood of requests only lengthens its
 * sender's own line.
 *
 * <p>Waiting counts against holding: a tenant that has waited since its last grant for {@link
 * #AGEING_NS} goes before one that holds as much less as the whole fleet. So no tenant starves,
 * however many newcomers with nothing there are. Equals go by who asked first.
 */
final class FairShares {
  /** Waiting for this long outweighs holding all of the fleet. */
  static final long AGEING_NS = 10 * 60 * 1_000_000_000L;

  /** What a step of priority is worth. */
  private static final long PRIORITY_NS = 60 * 1_000_000_000L;

  /** Of one tenant's requests, the next first. Ages grow alike, so the order never changes. */
  static final Comparator<Lease> OWN_ORDER =
      Comparator.comparingLong(
              (Lease lease) -> lease.requestedNs - lease.spec.priority() * PRIORITY_NS)
          .thenComparingLong(lease -> lease.arrival);

  /** What of the fleet is counted, one by one, in the order of the numbers below. */
  private static final List<String> RESOURCES =
      List.of("GPU compute", "CPU device compute", "window memory", "workers");

  private static final int GPU_SHARE = 0;
  private static final int CPU_SHARE = 1;
  private static final int WINDOW_BYTES = 2;
  private static final int WORKERS = 3;

  /** What a tenant holds now. */
  private static final class Holding {
    final long[] amounts = new long[RESOURCES.size()];
    int leases;
  }

  private final Map<String, Holding> holdings = new HashMap<>();
  private final long[] fleet = new long[RESOURCES.size()];

  /** {@code lease} holds {@code slice} of a device of its class. */
  void take(Lease lease, Slice slice) {
    Holding holding = holdings.computeIfAbsent(lease.tenant, _ -> new Holding());
    holding.leases++;
    add(holding.amounts, lease.deviceClass, slice, 1);
  }

  void free(Lease lease, Slice slice) {
    Holding holding = holdings.get(lease.tenant);
    if (holding == null) {
      throw new IllegalStateException(lease.id + " frees " + slice + "; its tenant holds nothing");
    }
    add(holding.amounts, lease.deviceClass, slice, -1);
    if (--holding.leases == 0) {
      holdings.remove(lease.tenant);
    }
  }

  private static void add(long[] amounts, DeviceClass device, Slice slice, int times) {
    int compute = device == DeviceClass.CUDA ? GPU_SHARE : CPU_SHARE;
    amounts[compute] += (long) times * slice.shareMillis();
    amounts[WINDOW_BYTES] += times * slice.windowBytes();
    amounts[WORKERS] += (long) times * slice.workers();
  }

  /** Takes note of what there is to share: all that open executors have. */
  void measure(Collection<Executor> executors) {
    Arrays.fill(fleet, 0);
    for (Executor executor : executors) {
      if (executor.open()) {
        fleet[WINDOW_BYTES] += executor.capacityBytes;
        fleet[WORKERS] += executor.maxWorkers;
        for (var device : executor.devices()) {
          boolean gpu = device.getDeviceClass() == DeviceClass.CUDA;
          fleet[gpu ? GPU_SHARE : CPU_SHARE] += 1000;
        }
      }
    }
  }

  /** "tenant t holds 25.0 % of the fleet's GPU compute, more than of anything else". */
  String text(String tenant) {
    Holding holding = holdings.get(tenant);
    long[] amounts = holding == null ? new long[RESOURCES.size()] : holding.amounts;
    int dominant = dominant(amounts);
    double fraction = fraction(amounts, dominant);
    return fraction == 0
        ? "tenant " + tenant + " holds nothing of the fleet"
        : String.format(
            Locale.ROOT,
            "tenant %s holds %.1f %% of the fleet's %s, more than of anything else",
            tenant,
            100 * fraction,
            RESOURCES.get(dominant));
  }

  private int dominant(long[] amounts) {
    int most = 0;
    for (int resource = 1; resource < RESOURCES.size(); resource++) {
      if (fraction(amounts, resource) > fraction(amounts, most)) {
        most = resource;
      }
    }
    return most;
  }

  /** 0 to 1; more if a part of the fleet has gone; 0 of what the fleet does not have. */
  private double fraction(long[] amounts, int resource) {
    long all = fleet[resource];
    return all == 0 ? 0 : amounts[resource] / (double) all;
  }

  /**
   * All of {@code waiting}, next first.
   *
   * @param waiting by tenant, at least one of each; what changes there later does not matter
   */
  Iterator<Lease> order(Map<String, WaitQueue.Waiting> waiting, long nowNs) {
    PriorityQueue<Line> lines = new PriorityQueue<>(Math.max(1, waiting.size()));
    waiting.forEach((tenant, own) -> lines.add(new Line(holdings.get(tenant), own, nowNs)));
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return !lines.isEmpty();
      }

      @Override
      public Lease next() {
        Line line = lines.poll();
        if (line == null) {
          throw new NoSuchElementException();
        }
        Lease lease = line.head;
        if (line.advance()) {
          lines.add(line);
        }
        return lease;
      }
    };
  }

  /** One tenant's requests, and what it would hold had it all that came before {@link #head}. */
  private final class Line implements Comparable<Line> {
    private final long[] amounts;
    private final Iterator<Lease> rest;
    private Lease head;
    private double rank;

    Line(@Nullable Holding holding, WaitQueue.Waiting waiting, long nowNs) {
      amounts = holding == null ? new long[RESOURCES.size()] : holding.amounts.clone();
      rest = List.copyOf(waiting.requests).iterator();
      head = rest.next();
      long waitedNs = nowNs - Math.max(head.requestedNs, waiting.grantedNs);
      rank = fraction(amounts, dominant(amounts)) - waitedNs / (double) AGEING_NS;
    }

    /**
     * To the next request; false: there is none. One that is just granted has waited for nothing.
     */
    boolean advance() {
      if (!rest.hasNext()) {
        return false;
      }
      LeaseSpec spec = head.spec;
      add(
          amounts,
          counted(spec.deviceClass()),
          new Slice("", "", spec.totalBytes(), spec.shareMillis(), spec.workers()),
          1);
      rank = fraction(amounts, dominant(amounts));
      head = rest.next();
      return true;
    }

    /** ANY is placed on a GPU where there is one. */
    private DeviceClass counted(DeviceClass wanted) {
      boolean gpu = fleet[GPU_SHARE] > 0;
      return wanted == DeviceClass.ANY && gpu ? DeviceClass.CUDA : wanted;
    }

    @Override
    public int compareTo(Line other) {
      int byRank = Double.compare(rank, other.rank);
      return byRank != 0 ? byRank : Long.compare(head.arrival, other.head.arrival);
    }
  }
}
