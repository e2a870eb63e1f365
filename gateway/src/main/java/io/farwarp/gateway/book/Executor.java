package io.farwarp.gateway.book;

import com.google.protobuf.ByteString;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.DeviceReport;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * One GPU host as the book knows it: what its agent reported, and what leases hold of it. Changed
 * by its {@link LeaseBook} only, and read on the book's thread.
 */
public final class Executor {
  /** What leases hold of one device. */
  private static final class Use {
    long windowBytes;
    int shareMillis;
  }

  /** Worker processes of a host whose agent does not say how many it can run. */
  private static final int DEFAULT_MAX_WORKERS = 64;

  final String id;
  String agent;
  ByteString incarnation = ByteString.EMPTY;
  String hostId = "";
  long capacityBytes;
  long usedBytes;
  int maxWorkers;
  int workers;
  boolean attached;
  boolean draining;
  boolean silent;
  long lastHeardNs;
  long silenceNs;

  /** When the book's timer looks at it next. */
  long timerNs = Lease.NEVER;

  final Set<String> held = new LinkedHashSet<>();
  private final Map<String, DeviceReport> devices = new LinkedHashMap<>();
  private final Map<String, Use> uses = new HashMap<>();

  Executor(String id, String agent, long nowNs, long silenceNs) {
    this.id = id;
    this.agent = agent;
    this.lastHeardNs = nowNs;
    this.silenceNs = silenceNs;
  }

  void attach(String agent, AgentHello hello, long nowNs, long silenceNs) {
    this.agent = agent;
    incarnation = hello.getIncarnation();
    hostId = hello.getHostId();
    capacityBytes = hello.getWindowCapacityBytes();
    maxWorkers = hello.getMaxWorkers() == 0 ? DEFAULT_MAX_WORKERS : hello.getMaxWorkers();
    devices.clear();
    for (DeviceReport device : hello.getDevicesList()) {
      devices.put(device.getDeviceId(), device);
    }
    attached = true;
    draining = false;
    silent = false;
    lastHeardNs = nowNs;
    this.silenceNs = silenceNs;
  }

  /** Nothing, if it has no such device. */
  void deviceState(String deviceId, String outOfService) {
    devices.computeIfPresent(
        deviceId, (_, device) -> device.toBuilder().setOutOfService(outOfService).build());
  }

  void take(String leaseId, Slice slice) {
    held.add(leaseId);
    usedBytes += slice.windowBytes();
    workers += slice.workers();
    Use use = uses.computeIfAbsent(slice.deviceId(), _ -> new Use());
    use.windowBytes += slice.windowBytes();
    use.shareMillis += slice.shareMillis();
  }

  void free(String leaseId, Slice slice) {
    held.remove(leaseId);
    usedBytes -= slice.windowBytes();
    workers -= slice.workers();
    Use use = uses.get(slice.deviceId());
    if (use == null) {
      throw new IllegalStateException(
          "lease " + leaseId + " frees " + slice + ", of which nothing is held");
    }
    use.windowBytes -= slice.windowBytes();
    use.shareMillis -= slice.shareMillis();
  }

  public String id() {
    return id;
  }

  /** Name of the credential that its agent attached with. */
  public String agent() {
    return agent;
  }

  public String hostId() {
    return hostId;
  }

  public Collection<DeviceReport> devices() {
    return Collections.unmodifiableCollection(devices.values());
  }

  public long capacityBytes() {
    return capacityBytes;
  }

  public long usedBytes() {
    return usedBytes;
  }

  /** Worker processes that may run on the host together. */
  public int maxWorkers() {
    return maxWorkers;
  }

  /** Worker processes that leases hold of that. */
  public int workers() {
    return workers;
  }

  /** Less than 0 if it reported less anew. */
  int freeWorkers() {
    return maxWorkers - workers;
  }

  public int leases() {
    return held.size();
  }

  public long lastHeardNs() {
    return lastHeardNs;
  }

  /** "attached", "detached" (no stream, and not silent for long enough), "silent", "draining". */
  public String stateText() {
    if (silent) {
      return "silent";
    }
    if (!attached) {
      return "detached";
    }
    return draining ? "draining" : "attached";
  }

  /** It takes new leases. */
  boolean open() {
    return attached && !silent && !draining;
  }

  /** Window bytes of {@code device} that no lease holds; less than 0 if it reported less anew. */
  long freeBytes(DeviceReport device) {
    Use use = uses.get(device.getDeviceId());
    long ofDevice = device.getMemoryBytes() - (use == null ? 0 : use.windowBytes);
    return Math.min(ofDevice, capacityBytes - usedBytes);
  }

  int freeShare(DeviceReport device) {
    Use use = uses.get(device.getDeviceId());
    return 1000 - (use == null ? 0 : use.shareMillis);
  }

  /** It could hold such a lease if it held nothing else. */
  boolean couldHold(LeaseSpec spec) {
    if (spec.workers() > maxWorkers) {
      return false;
    }
    for (DeviceReport device : devices.values()) {
      if (spec.accepts(device.getDeviceClass())
          && Math.min(device.getMemoryBytes(), capacityBytes) >= spec.totalBytes()) {
        return true;
      }
    }
    return false;
  }
}
