package io.farwarp.gateway.book;

import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.DeviceReport;
import java.util.Collection;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Which device a lease goes to: a GPU before a CPU, the client's own host before others, then the
 * device that has the least share and the least memory left over (best fit), so that large slices
 * stay whole.
 */
final class Placement {
  private Placement() {}

  private record Candidate(
      Executor executor,
      DeviceReport device,
      boolean gpu,
      boolean sameHost,
      int shareLeft,
      long bytesLeft) {
    boolean betterThan(Candidate other) {
      if (gpu != other.gpu) {
        return gpu;
      }
      if (sameHost != other.sameHost) {
        return sameHost;
      }
      if (shareLeft != other.shareLeft) {
        return shareLeft < other.shareLeft;
      }
      return bytesLeft < other.bytesLeft;
    }
  }

  /** The best slice for {@code spec} on {@code usable} executors; null: none is free. */
  static @Nullable Slice best(
      LeaseSpec spec, Collection<Executor> executors, Predicate<Executor> usable) {
    @Nullable Candidate best = null;
    String host = spec.request().getClientHostId();
    for (Executor executor : executors) {
      if (!executor.open() || executor.freeWorkers() < spec.workers() || !usable.test(executor)) {
        continue;
      }
      for (DeviceReport device : executor.devices()) {
        int shareLeft = executor.freeShare(device) - spec.shareMillis();
        long bytesLeft = executor.freeBytes(device) - spec.totalBytes();
        if (!spec.accepts(device.getDeviceClass())
            || !device.getOutOfService().isEmpty()
            || shareLeft < 0
            || bytesLeft < 0) {
          continue;
        }
        Candidate candidate =
            new Candidate(
                executor,
                device,
                device.getDeviceClass() == DeviceClass.CUDA,
                !host.isEmpty() && host.equals(executor.hostId),
                shareLeft,
                bytesLeft);
        if (best == null || candidate.betterThan(best)) {
          best = candidate;
        }
      }
    }
    if (best == null) {
      return null;
    }
    return new Slice(
        best.executor.id,
        best.device.getDeviceId(),
        spec.totalBytes(),
        spec.shareMillis(),
        spec.workers());
  }

  /** Why nothing is free for {@code spec}, with what comes nearest. */
  static String whyNot(LeaseSpec spec, Collection<Executor> executors) {
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
        if (!spec.accepts(device.getDeviceClass())) {
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
      return "it asks for "
          + spec.text()
          + (outOfService.isEmpty()
              ? "; no executor with such a device is attached"
              : outOfService);
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
