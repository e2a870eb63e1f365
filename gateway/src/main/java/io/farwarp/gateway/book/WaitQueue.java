package io.farwarp.gateway.book;

import io.farwarp.v1.AcquireRequest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;

/**
 * The requests that wait, in the order of {@link FairShares}: one that waits keeps every executor
 * that could hold it from those behind it, and only from those that such executors would serve. So
 * a wait for a GPU delays no one who wants a CPU. What its own tenant's quota holds back keeps
 * nothing from anyone, but those of its tenant behind it.
 *
 * <p>Whenever something has become free, {@link #grant} serves the front of the queue. Every {@link
 * #FILL_NS} {@link #fill} goes through all of it, and lets those pass that would certainly be gone
 * before the leases that are held now make room for one that waits before them (backfill).
 */
final class WaitQueue {
  /** What one tenant waits for, next first, and when it was last granted some of that. */
  static final class Waiting {
    final NavigableSet<Lease> requests = new TreeSet<>(FairShares.OWN_ORDER);
    long grantedNs = Long.MIN_VALUE;
  }

  /** What becomes of the requests that are looked at. On the book's thread, in the middle of it. */
  interface Outcome {
    /** {@code gaps}: which requests the slice is to be free for, and when; none: it may stay. */
    void granted(Lease lease, Slice slice, List<Reservation> gaps, long nowNs);

    /** It does not fit, in whatever order. */
    void blocked(Lease lease);
  }

  /** How often the whole queue is gone through. */
  private static final long FILL_NS = 1_000_000_000L;

  /** Requests that are looked at when something has become free. */
  private static final int GRANT_DEPTH = 256;

  /** Unlike requests that may wait before one that is let pass. */
  private static final int FILL_DEPTH = 100;

  /** Places up to this one are told at once. */
  static final int EXACT_PLACES = 64;

  /**
   * How many waiting requests lengthen the time between two tellings of places by as much again.
   */
  private static final int PLACES_STEP = 10_000;

  /** What one more grant counts in the mean time between two of them. */
  private static final double MEAN_WEIGHT = 1.0 / 8;

  private final BookLimits limits;
  private final Tenants tenants;
  private final FairShares shares;
  private final Map<String, Waiting> byTenant = new HashMap<>();
  private int size;
  private long arrivals;
  private boolean moved;
  private long placesToldNs = -Lease.NEVER;
  private long round;
  private boolean fillWanted;
  private long filledNs = -Lease.NEVER;
  private long lastGrantNs;
  private double meanGrantNs;

  WaitQueue(BookLimits limits, Tenants tenants, FairShares shares) {
    this.limits = limits;
    this.tenants = tenants;
    this.shares = shares;
  }

  void add(Lease lease, long nowNs) {
    if (size == 0) {
      lastGrantNs = nowNs;
    }
    lease.arrival = ++arrivals;
    byTenant.computeIfAbsent(lease.tenant, _ -> new Waiting()).requests.add(lease);
    size++;
    moved = true;
  }

  void remove(Lease lease) {
    Waiting own = byTenant.get(lease.tenant);
    if (own != null && own.requests.remove(lease)) {
      if (own.requests.isEmpty()) {
        byTenant.remove(lease.tenant);
      }
      size--;
      moved = true;
    }
  }

  int size() {
    return size;
  }

  int of(String tenant) {
    Waiting own = byTenant.get(tenant);
    return own == null ? 0 : own.requests.size();
  }

  /**
   * Gives {@code outcome} the requests at the front that fit now, in order.
   *
   * @param least requests that are looked at though those before them keep everything
   */
  void grant(Collection<Executor> executors, int least, long nowNs, Outcome outcome) {
    fillWanted = true;
    round++;
    Set<AcquireRequest> blocked = new HashSet<>();
    int openLeft = shares.openExecutors();
    FairShares.Order order = shares.order(byTenant, nowNs);
    Lease lease = order.next();
    for (int looked = 0; lease != null && looked < (openLeft > 0 ? GRANT_DEPTH : least); looked++) {
      if (tenants.of(lease.tenant).overQuota(lease.spec) != null) {
        order.skipTenant();
      } else if (looked < least || !blocked.contains(lease.needs)) {
        Slice slice = Placement.best(lease, executors, executor -> executor.blockedRound != round);
        if (slice != null) {
          granted(lease, slice, List.of(), nowNs, outcome);
        } else {
          openLeft -= block(executors, lease);
          blocked.add(lease.needs);
          outcome.blocked(lease);
        }
      }
      lease = order.next();
    }
  }

  /** Keeps from those behind {@code lease} what could hold it; answers how many more these are. */
  private int block(Collection<Executor> executors, Lease lease) {
    int newly = 0;
    for (Executor executor : executors) {
      if (executor.blockedRound != round && executor.open() && executor.couldHold(lease.spec)) {
        executor.blockedRound = round;
        newly++;
      }
    }
    return newly;
  }

  /** Goes through all that wait, if there may be something for them and it is time. */
  void fill(Collection<Executor> executors, long nowNs, Outcome outcome) {
    if (!fillWanted || nowNs < filledNs + FILL_NS) {
      return;
    }
    fillWanted = false;
    filledNs = nowNs;
    round++;
    Map<AcquireRequest, Long> blocked = new HashMap<>();
    FairShares.Order order = shares.order(byTenant, nowNs);
    for (Lease lease = order.next(); lease != null; lease = order.next()) {
      long holdNs = limits.holdNs(lease.spec);
      if (tenants.of(lease.tenant).overQuota(lease.spec) != null) {
        order.skipTenant();
        continue;
      }
      if (blocked.getOrDefault(lease.needs, Lease.NEVER) <= holdNs) {
        continue;
      }
      Slice slice =
          Placement.best(
              lease, executors, executor -> executor.freeUntilNs(round) - nowNs >= holdNs);
      if (slice != null) {
        granted(lease, slice, gaps(executors, slice), nowNs, outcome);
      } else if (blocked.size() >= FILL_DEPTH) {
        return;
      } else {
        reserve(executors, lease);
        blocked.put(lease.needs, holdNs);
      }
    }
  }

  private void reserve(Collection<Executor> executors, Lease lease) {
    for (Executor executor : executors) {
      if (executor.open() && executor.couldHold(lease.spec)) {
        long fitsAtNs = executor.fitsAtNs(lease.spec);
        // One that fits now is kept from there by those before it, and has to wait as they do.
        if (fitsAtNs > 0) {
          executor.reserve(round, new Reservation(lease, fitsAtNs));
        }
      }
    }
  }

  private List<Reservation> gaps(Collection<Executor> executors, Slice slice) {
    for (Executor executor : executors) {
      if (executor.id.equals(slice.executorId())) {
        return executor.reservations(round);
      }
    }
    return List.of();
  }

  private void granted(
      Lease lease, Slice slice, List<Reservation> gaps, long nowNs, Outcome outcome) {
    remove(lease);
    Waiting others = byTenant.get(lease.tenant);
    if (others != null) {
      others.grantedNs = nowNs;
    }
    meanGrantNs += (nowNs - lastGrantNs - meanGrantNs) * MEAN_WEIGHT;
    lastGrantNs = nowNs;
    outcome.granted(lease, slice, gaps, nowNs);
  }

  /**
   * Tells {@code lease}, which has just come, its place; 0: so far behind that it is told later.
   */
  void findPlace(Lease lease, long nowNs) {
    FairShares.Order order = shares.order(byTenant, nowNs);
    for (int place = 1; place <= EXACT_PLACES; place++) {
      Lease next = order.next();
      if (next == null || next == lease) {
        lease.place = next == null ? 0 : place;
        lease.estimateNs = Math.round(lease.place * meanGrantNs);
        return;
      }
    }
  }

  /**
   * Those whose place has changed by a tenth and more since they were told, no more often than
   * limits say.
   */
  List<Lease> newPlaces(long nowNs) {
    if (!moved || nowNs < placesDueNs()) {
      return List.of();
    }
    moved = false;
    placesToldNs = nowNs;
    List<Lease> changed = new ArrayList<>();
    FairShares.Order order = shares.order(byTenant, nowNs);
    Lease lease = order.next();
    for (int place = 1; lease != null; place++) {
      if (Math.abs(lease.place - place) > lease.place / 10) {
        lease.place = place;
        lease.estimateNs = Math.round(place * meanGrantNs);
        changed.add(lease);
      }
      lease = order.next();
    }
    return changed;
  }

  private long placesDueNs() {
    return placesToldNs + BookLimits.PLACES_NS * (1 + size / PLACES_STEP);
  }

  /** When {@link #newPlaces} or {@link #fill} have something to do. */
  long nextNs() {
    if (size == 0) {
      return Lease.NEVER;
    }
    return Math.min(
        moved ? placesDueNs() : Lease.NEVER, fillWanted ? filledNs + FILL_NS : Lease.NEVER);
  }
}
