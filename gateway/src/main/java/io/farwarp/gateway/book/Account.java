package io.farwarp.gateway.book;

import static java.util.concurrent.TimeUnit.NANOSECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import io.farwarp.v1.TenantPolicy;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One tenant: what an operator grants it at most, what it holds, what it has used. A quota that is
 * 0 is none. Changed by its {@link LeaseBook} only, and read on the book's thread.
 *
 * <p>Device time is the share of a device times the time that a lease was ACTIVE: half a device for
 * two seconds is one device-second. A lease that is held counts with all that it may come to, up to
 * its deadline, so that what is promised is never more than the quota.
 */
public final class Account {
  final String tenant;
  TenantPolicy policy;

  /** By the numbers of {@link FairShares}. */
  final long[] amounts = new long[FairShares.RESOURCES.size()];

  private final Set<Lease> held = new LinkedHashSet<>();

  /** Device time of leases that have ended. */
  long usedNs;

  /** Requests that may come at this moment, as of {@link #tokensNs}. */
  private double tokens;

  private long tokensNs = Long.MIN_VALUE;

  Account(String tenant) {
    this.tenant = tenant;
    this.policy = TenantPolicy.newBuilder().setTenant(tenant).setWeight(1).build();
  }

  public TenantPolicy policy() {
    return policy;
  }

  /** Leases that hold a slice. */
  public int leases() {
    return held.size();
  }

  /** Bytes of windows that they hold. */
  public long windowBytes() {
    return amounts[FairShares.WINDOW_BYTES];
  }

  /** Device time used by all its leases until {@code nowNs}. */
  public long deviceNs(long nowNs) {
    long sumNs = usedNs;
    for (Lease lease : held) {
      sumNs += lease.ended() ? 0 : lease.deviceNs(nowNs);
    }
    return sumNs;
  }

  /** The same of leases that have ended; may be less than 0 after a reset while others run. */
  public long usedNs() {
    return usedNs;
  }

  void take(Lease lease) {
    held.add(lease);
  }

  void free(Lease lease) {
    held.remove(lease);
  }

  /** Device time used so far counts no more. */
  void reset(long nowNs) {
    usedNs -= deviceNs(nowNs);
  }

  /** Why a request like this can never be granted; empty: it can. */
  String refusal(LeaseSpec spec) {
    long mostBytes = policy.getMaxWindowBytes();
    if (mostBytes > 0 && spec.totalBytes() > mostBytes) {
      return "tenant %s may hold %s of windows (quota max_window_bytes), and this asks for %s: ask for less"
          .formatted(tenant, Bytes.text(mostBytes), Bytes.text(spec.totalBytes()));
    }
    long mostNs = SECONDS.toNanos(policy.getMaxDeviceSeconds());
    long askedNs = spec.deviceNs();
    if (mostNs > 0 && usedNs + askedNs > mostNs) {
      return "tenant %s has used %d of its %d device-seconds (quota max_device_seconds), and this asks for up to %d: ask for a shorter time or a smaller share"
          .formatted(tenant, seconds(usedNs), seconds(mostNs), seconds(askedNs));
    }
    return "";
  }

  /** Why {@code spec} has to wait for this tenant's own leases to end; null: it need not. */
  @Nullable String overQuota(LeaseSpec spec) {
    if (policy.getMaxLeases() > 0 && held.size() >= policy.getMaxLeases()) {
      return "tenant %s holds %d leases, and %d is its quota (max_leases)"
          .formatted(tenant, held.size(), policy.getMaxLeases());
    }
    long mostBytes = policy.getMaxWindowBytes();
    if (mostBytes > 0 && windowBytes() + spec.totalBytes() > mostBytes) {
      return "tenant %s holds %s of windows, this asks for %s, and %s is its quota (max_window_bytes)"
          .formatted(
              tenant,
              Bytes.text(windowBytes()),
              Bytes.text(spec.totalBytes()),
              Bytes.text(mostBytes));
    }
    return overDeviceTime(spec.deviceNs());
  }

  /** Why {@code moreNs} of device time are too much now; null: they are not. */
  @Nullable String overDeviceTime(long moreNs) {
    long mostNs = SECONDS.toNanos(policy.getMaxDeviceSeconds());
    if (mostNs == 0) {
      return null;
    }
    long promisedNs = 0;
    for (Lease lease : held) {
      promisedNs += lease.ended() ? 0 : lease.promisedDeviceNs();
    }
    return usedNs + promisedNs + moreNs <= mostNs
        ? null
        : "tenant %s has used %d device-seconds, the leases it holds may come to %d, this asks for up to %d, and %d is its quota (max_device_seconds)"
            .formatted(
                tenant, seconds(usedNs), seconds(promisedNs), seconds(moreNs), seconds(mostNs));
  }

  /**
   * Takes one request of the quota of them, which fills up evenly and holds those of a second.
   *
   * @return nanoseconds until the next would be taken; 0: this one was
   */
  long takeRequest(long nowNs) {
    int perSecond = policy.getMaxRequestsPerSecond();
    if (perSecond == 0) {
      return 0;
    }
    double earned = tokensNs == Long.MIN_VALUE ? perSecond : (nowNs - tokensNs) * (perSecond / 1e9);
    tokens = Math.min(perSecond, tokens + earned);
    tokensNs = nowNs;
    if (tokens >= 1) {
      tokens--;
      return 0;
    }
    return (long) Math.ceil((1 - tokens) * 1e9 / perSecond);
  }

  private static long seconds(long ns) {
    return NANOSECONDS.toSeconds(ns);
  }
}
