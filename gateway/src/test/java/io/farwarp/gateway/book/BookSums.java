package io.farwarp.gateway.book;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.LeaseState;
import java.util.HashMap;
import java.util.Map;

/** That a book adds up, whatever has been applied to it. */
public final class BookSums {
  private BookSums() {}

  /** The book's sums are those of its leases, and within what the executors reported. */
  public static void check(LeaseBook book) {
    Map<String, Long> bytes = new HashMap<>();
    Map<String, Integer> counts = new HashMap<>();
    Map<String, Integer> shares = new HashMap<>();
    Map<String, Integer> workers = new HashMap<>();
    for (Lease lease : book.leases()) {
      Slice slice = lease.slice();
      boolean granted = lease.state() == LeaseState.PREPARING || lease.state() == LeaseState.ACTIVE;
      assertTrue(!granted || (lease.held() && slice != null), lease.id() + " holds nothing");
      if (lease.held() && slice != null) {
        bytes.merge(slice.executorId(), slice.windowBytes(), Long::sum);
        counts.merge(slice.executorId(), 1, Integer::sum);
        workers.merge(slice.executorId(), slice.workers(), Integer::sum);
        shares.merge(
            slice.executorId() + "/" + slice.deviceId(), slice.shareMillis(), Integer::sum);
      }
    }
    for (Executor executor : book.executors()) {
      assertEquals(bytes.getOrDefault(executor.id(), 0L), executor.usedBytes(), executor.id());
      assertEquals(counts.getOrDefault(executor.id(), 0), executor.leases(), executor.id());
      assertEquals(workers.getOrDefault(executor.id(), 0), executor.workers(), executor.id());
      assertTrue(
          !executor.open() || executor.workers() <= executor.maxWorkers(),
          () -> executor.id() + ": " + executor.workers() + " workers");
      assertTrue(
          !executor.open() || executor.usedBytes() <= executor.capacityBytes(),
          () -> executor.id() + ": " + executor.usedBytes() + " bytes used");
    }
    shares.forEach((device, share) -> assertTrue(share <= 1000, device + ": " + share));
  }
}
