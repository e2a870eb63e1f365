package io.farwarp.gateway.book;

import io.farwarp.v1.DeviceClass;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableSet;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * The rule of who is next: the tenant that holds the least of the fleet for its weight, measured by
 * the resource of which it holds most (dominant resource fairness, Ghodsi et al., NSDI 2011), and
 * of that tenant's requests the one of the highest priority, where each step of priority counts as
 * a minute of waiting, so that none of them starves either. What a tenant was granted or is ahead
 * in the queue with counts as held for its next request, so a flood of requests only lengthens its
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
  static final List<String> RESOURCES =
      List.of("GPU compute", "CPU device compute", "window memory", "workers");

  private static final int GPU_SHARE = 0;
  private static final int CPU_SHARE = 1;
  static final int WINDOW_BYTES = 2;
  private static final int WORKERS = 3;

  private final Tenants tenants;
  private final long[] fleet = new long[RESOURCES.size()];
  private int openExecutors;

  FairShares(Tenants tenants) {
    this.tenants = tenants;
  }

  /** {@code lease} holds {@code slice} of a device of its class. */
  void take(Lease lease, Slice slice) {
    Account account = tenants.of(lease.tenant);
    account.take(lease);
    add(account.amounts, lease.deviceClass, slice, 1);
  }

  void free(Lease lease, Slice slice) {
    Account account = tenants.of(lease.tenant);
    account.free(lease);
    add(account.amounts, lease.deviceClass, slice, -1);
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
    openExecutors = 0;
    for (Executor executor : executors) {
      if (executor.open()) {
        openExecutors++;
        fleet[WINDOW_BYTES] += executor.capacityBytes;
        fleet[WORKERS] += executor.maxWorkers;
        for (var device : executor.devices()) {
          boolean gpu = device.getDeviceClass() == DeviceClass.CUDA;
          fleet[gpu ? GPU_SHARE : CPU_SHARE] += 1000;
        }
      }
    }
  }

  int openExecutors() {
    return openExecutors;
  }

  /** "tenant t holds 25.0 % of the fleet's GPU compute, more than of anything else". */
  String text(String tenant) {
    Account account = tenants.of(tenant);
    int dominant = dominant(account.amounts);
    double fraction = fraction(account.amounts, dominant);
    String weight =
        account.policy.getWeight() == 1
            ? ""
            : " (its weight is " + account.policy.getWeight() + ")";
    return fraction == 0
        ? "tenant " + tenant + " holds nothing of the fleet" + weight
        : String.format(
            Locale.ROOT,
            "tenant %s holds %.1f %% of the fleet's %s, more than of anything else%s",
            tenant,
            100 * fraction,
            RESOURCES.get(dominant),
            weight);
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
   * @param waiting by tenant, at least one of each
   */
  Order order(Map<String, WaitQueue.Waiting> waiting, long nowNs) {
    return new Order(waiting, nowNs);
  }

  /**
   * Goes through all that wait, next first; what it has handed out may leave the queue meanwhile.
   */
  final class Order {
    private final PriorityQueue<Line> lines;
    private @Nullable Line last;

    private Order(Map<String, WaitQueue.Waiting> waiting, long nowNs) {
      lines = new PriorityQueue<>(Math.max(1, waiting.size()));
      waiting.forEach((tenant, own) -> lines.add(new Line(tenants.of(tenant), own, nowNs)));
    }

    /** Null: there are no more. */
    @Nullable Lease next() {
      if (last != null && last.advance()) {
        lines.add(last);
      }
      last = lines.poll();
      return last == null ? null : last.head;
    }

    /** Nothing more of the tenant whose request came last. */
    void skipTenant() {
      last = null;
    }
  }

  /** One tenant's requests, and what it would hold had it all that came before {@link #head}. */
  private final class Line implements Comparable<Line> {
    private final long[] amounts;
    private final int weight;
    private final NavigableSet<Lease> requests;
    private Lease head;
    private double rank;

    Line(Account account, WaitQueue.Waiting waiting, long nowNs) {
      amounts = account.amounts.clone();
      weight = account.policy.getWeight();
      requests = waiting.requests;
      head = requests.first();
      long waitedNs = nowNs - Math.max(head.requestedNs, waiting.grantedNs);
      rank = holding() - waitedNs / (double) AGEING_NS;
    }

    private double holding() {
      return fraction(amounts, dominant(amounts)) / weight;
    }

    /**
     * To the next request; false: there is none. One that is just granted has waited for nothing.
     */
    boolean advance() {
      Lease next = requests.higher(head);
      if (next == null) {
        return false;
      }
      LeaseSpec spec = head.spec;
      add(
          amounts,
          counted(spec.deviceClass()),
          new Slice("", "", spec.totalBytes(), spec.shareMillis(), spec.workers()),
          1);
      rank = holding();
      head = next;
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
