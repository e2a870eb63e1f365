package io.farwarp.gateway.book;

import io.farwarp.v1.DeviceReport;
import io.farwarp.v1.LeaseState;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which preemptible leases have to go for a request that waits and is not preemptible itself: the
 * fewest on one device, and of these the ones that were granted last, which lose the least. An
 * executor where leases are ending already for a request that waits is that request's.
 */
final class Preemption {
  record Victims(Executor executor, List<Lease> leases) {}

  private Preemption() {}

  /** Null: none are to go, because it would not help, or because enough of them are going. */
  static @Nullable Victims victims(Lease lease, Collection<Executor> executors) {
    if (lease.spec.preemptible()) {
      return null;
    }
    @Nullable Victims fewest = null;
    for (Executor executor : executors) {
      Lease promisedTo = promisedTo(executor);
      if (promisedTo == lease) {
        return null;
      }
      if (promisedTo != null || !executor.open() || !executor.couldHold(lease.spec)) {
        continue;
      }
      for (DeviceReport device : executor.devices()) {
        List<Lease> leases = victims(lease.spec, executor, device);
        if (leases != null && leases.isEmpty()) {
          return null;
        }
        if (leases != null && (fewest == null || leases.size() < fewest.leases.size())) {
          fewest = new Victims(executor, leases);
        }
      }
    }
    return fewest;
  }

  /** For whom leases of {@code executor} are ending. */
  private static @Nullable Lease promisedTo(Executor executor) {
    Lease lease = executor.promisedTo;
    if (lease == null) {
      return null;
    }
    if (lease.state == LeaseState.QUEUED && executor.held().stream().anyMatch(Preemption::ending)) {
      return lease;
    }
    executor.promisedTo = null;
    return null;
  }

  private static boolean ending(Lease lease) {
    return lease.ended() || lease.state == LeaseState.EXPIRING;
  }

  /** Empty: those that are ending make room enough; null: there is not enough that may go. */
  private static @Nullable List<Lease> victims(
      LeaseSpec spec, Executor executor, DeviceReport device) {
    if (!spec.device().accept(device) || !device.getOutOfService().isEmpty()) {
      return null;
    }
    Room room = new Room(executor, device);
    List<Lease> mayGo = new ArrayList<>();
    for (Lease held : executor.held()) {
      if (ending(held)) {
        room.free(held);
      } else if (held.spec.preemptible()) {
        mayGo.add(held);
      }
    }
    mayGo.sort(
        Comparator.comparingLong((Lease each) -> each.grantedNs)
            .thenComparingLong(each -> each.arrival)
            .reversed());
    List<Lease> victims = new ArrayList<>();
    for (int i = 0; !room.fits(spec) && i < mayGo.size(); i++) {
      room.free(mayGo.get(i));
      victims.add(mayGo.get(i));
    }
    if (!room.fits(spec)) {
      return null;
    }
    victims.removeIf(victim -> {
      room.keep(victim);
      boolean needless = room.fits(spec);
      if (!needless) {
        room.free(victim);
      }
      return needless;
    });
    return victims;
  }
}
