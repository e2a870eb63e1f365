package io.farwarp.gateway.book;

import io.farwarp.v1.DeviceReport;

/** What of an executor and one of its devices would be free if some of its leases were gone. */
final class Room {
  private final String deviceId;
  private int workers;
  private long bytes;
  private long deviceBytes;
  private int shareMillis;

  /** What is free now. */
  Room(Executor executor, DeviceReport device) {
    deviceId = device.getDeviceId();
    workers = executor.freeWorkers();
    bytes = executor.capacityBytes() - executor.usedBytes();
    deviceBytes = executor.freeDeviceBytes(device);
    shareMillis = executor.freeShare(device);
  }

  /** {@code lease}, which holds something of the executor, is gone. */
  void free(Lease lease) {
    add(lease, 1);
  }

  /** It is not gone after all. */
  void keep(Lease lease) {
    add(lease, -1);
  }

  private void add(Lease lease, int times) {
    Slice slice = lease.heldSlice();
    workers += times * slice.workers();
    bytes += times * slice.windowBytes();
    if (slice.deviceId().equals(deviceId)) {
      deviceBytes += times * slice.windowBytes();
      shareMillis += times * slice.shareMillis();
    }
  }

  boolean fits(LeaseSpec spec) {
    return workers >= spec.workers()
        && Math.min(bytes, deviceBytes) >= spec.totalBytes()
        && shareMillis >= spec.shareMillis();
  }
}
