package io.farwarp.gateway.book;

import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.DeviceReport;
import java.util.Collection;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Which device a lease goes to, of those that it fits on: a GPU before a CPU; the client's own
 * host, with which it shares memory, before one that both reach by RDMA, before others; the one
 * where more of its functions are in the caches; then the one that has the least share and the
 * least memory left over (best fit), so that large slices stay whole. In this order, because
 * nearness is paid for at each call, loading a function once, and a bad fit by others.
 */
final class Placement {
  private final Lease lease;
  private final LeaseSpec spec;
  private final String host;
  private final boolean usesRdma;

  private @Nullable Executor executor;
  private @Nullable DeviceReport device;
  private boolean gpu;
  private int nearness;
  private int loaded;
  private int shareLeft;
  private long bytesLeft;

  private Placement(Lease lease) {
    this.lease = lease;
    spec = lease.spec;
    host = spec.request().getClientHostId();
    usesRdma = spec.request().getClientTransportsList().contains(Executor.RDMA);
  }

  /** The best slice for {@code lease} on {@code usable} executors; null: none is free. */
  static @Nullable Slice best(
      Lease lease, Collection<Executor> executors, Predicate<Executor> usable) {
    Placement best = new Placement(lease);
    for (Executor executor : executors) {
      if (executor.open()
          && executor.freeWorkers() >= best.spec.workers()
          && usable.test(executor)) {
        best.consider(executor);
      }
    }
    return best.slice();
  }

  private void consider(Executor candidate) {
    for (DeviceReport its : candidate.devices()) {
      if (!spec.device().accept(its) || !its.getOutOfService().isEmpty()) {
        continue;
      }
      int itsShareLeft = candidate.freeShare(its) - spec.shareMillis();
      long itsBytesLeft = candidate.freeBytes(its) - spec.totalBytes();
      if (itsShareLeft >= 0 && itsBytesLeft >= 0) {
        offer(candidate, its, itsShareLeft, itsBytesLeft);
      }
    }
  }

  private void offer(Executor candidate, DeviceReport its, int itsShareLeft, long itsBytesLeft) {
    boolean itsGpu = its.getDeviceClass() == DeviceClass.CUDA;
    int itsNearness = nearness(candidate);
    int itsLoaded = candidate.countLoaded(lease.functions);
    int order = executor == null ? 1 : Boolean.compare(itsGpu, gpu);
    order = order == 0 ? Integer.compare(itsNearness, nearness) : order;
    order = order == 0 ? Integer.compare(itsLoaded, loaded) : order;
    order = order == 0 ? Integer.compare(shareLeft, itsShareLeft) : order;
    order = order == 0 ? Long.compare(bytesLeft, itsBytesLeft) : order;
    if (order > 0) {
      executor = candidate;
      device = its;
      gpu = itsGpu;
      nearness = itsNearness;
      loaded = itsLoaded;
      shareLeft = itsShareLeft;
      bytesLeft = itsBytesLeft;
    }
  }

  /** 2: by shared memory; 1: by RDMA; 0: by TCP. */
  private int nearness(Executor candidate) {
    if (!host.isEmpty() && host.equals(candidate.hostId)) {
      return 2;
    }
    return usesRdma && candidate.offersRdma ? 1 : 0;
  }

  private @Nullable Slice slice() {
    return executor == null || device == null
        ? null
        : new Slice(
            executor.id,
            device.getDeviceId(),
            spec.totalBytes(),
            spec.shareMillis(),
            spec.workers());
  }

  /** Why nothing is free for {@code spec}, with what comes nearest. */
  static String whyNot(LeaseSpec spec, Collection<Executor> executors) {
    String none = spec.device().whyNone(executors);
    if (!none.isEmpty()) {
      return "it asks for " + spec.text() + "; " + none;
    }
    @Nullable Executor largest = null;
    long largestBytes = -1;
    int share = 0;
    boolean fitsSomewhere = false;
    String outOfService = "";
    for (Executor executor : executors) {
      if (!executor.open()) {
        continue;
      }
      fitsSomewhere |= executor.couldHold(spec);
      for (DeviceReport device : executor.devices()) {
        long free = Math.max(0, executor.freeBytes(device));
        if (!spec.device().accept(device)) {
          continue;
        }
        if (!device.getOutOfService().isEmpty()) {
          outOfService =
              "; device %s of executor %s is out of service: %s"
                  .formatted(device.getDeviceId(), executor.id, device.getOutOfService());
        } else if (free > largestBytes) {
          largest = executor;
          largestBytes = free;
          share = executor.freeShare(device);
        }
      }
    }
    if (largest == null) {
      return "it asks for " + spec.text() + outOfService;
    }
    return ("it asks for %s; the largest free slice is %s, %d of %d workers and %d/1000 on executor"
            + " %s: ask for less%s")
        .formatted(
            spec.text(),
            Bytes.text(largestBytes),
            Math.max(0, largest.freeWorkers()),
            largest.maxWorkers(),
            share,
            largest.id,
            fitsSomewhere ? " or wait" : ", no executor attached is large enough");
  }
}
