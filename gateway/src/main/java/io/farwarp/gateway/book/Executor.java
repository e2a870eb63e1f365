package io.farwarp.gateway.book;

import com.google.protobuf.ByteString;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.DeviceReport;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import org.jspecify.annotations.Nullable;

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

  /** The transport that is RDMA, as agents and clients name it. */
  static final String RDMA = "verbs";

  /** Function packages that {@link #countLoaded} knows of. */
  private static final int MAX_LOADED = 256;

  /** Worker processes of a host whose agent does not say how many it can run. */
  private static final int DEFAULT_MAX_WORKERS = 64;

  final String id;
  String agent;
  ByteString incarnation = ByteString.EMPTY;

  /** That of the latest hello, as AgentHello.stream. */
  long stream;

  String hostId = "";
  boolean offersRdma;
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

  /** Why an operator lets nothing new be placed on it; null: it may be. */
  @Nullable String cordon;

  /** The round of the queue in which a request that waits keeps it from those behind. */
  long blockedRound;

  /** For whom its preemptible leases were told to end; null: for no one. */
  @Nullable Lease promisedTo;

  private long reservedRound;
  private final List<Reservation> reservations = new ArrayList<>();
  private final Map<String, Lease> held = new LinkedHashMap<>();
  private final Map<String, DeviceReport> devices = new LinkedHashMap<>();

  /** The same, for those who go through thousands of executors. */
  private List<DeviceReport> reports = List.of();

  private final SequencedSet<ByteString> loaded = new LinkedHashSet<>();
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
    stream = hello.getStream();
    if (!hostId.isEmpty() && !hostId.equals(hello.getHostId())) {
      loaded.clear();
    }
    hostId = hello.getHostId();
    offersRdma = hello.getTransportsList().contains(RDMA);
    capacityBytes = hello.getWindowCapacityBytes();
    maxWorkers = hello.getMaxWorkers() == 0 ? DEFAULT_MAX_WORKERS : hello.getMaxWorkers();
    devices.clear();
    for (DeviceReport device : hello.getDevicesList()) {
      devices.put(device.getDeviceId(), device);
    }
    reports = List.copyOf(devices.values());
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
    reports = List.copyOf(devices.values());
  }

  void take(Lease lease, Slice slice) {
    held.put(lease.id, lease);
    usedBytes += slice.windowBytes();
    workers += slice.workers();
    Use use = uses.computeIfAbsent(slice.deviceId(), _ -> new Use());
    use.windowBytes += slice.windowBytes();
    use.shareMillis += slice.shareMillis();
  }

  void free(Lease lease, Slice slice) {
    held.remove(lease.id);
    usedBytes -= slice.windowBytes();
    workers -= slice.workers();
    Use use = uses.get(slice.deviceId());
    if (use == null) {
      throw new IllegalStateException(
          "lease " + lease.id + " frees " + slice + ", of which nothing is held");
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

  public List<DeviceReport> devices() {
    return reports;
  }

  /** Why an operator cordoned it; empty: none has. */
  public String cordonReason() {
    return cordon == null ? "" : cordon;
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

  /** The leases that hold something of it, the oldest first. */
  Collection<Lease> held() {
    return Collections.unmodifiableCollection(held.values());
  }

  public int leases() {
    return held.size();
  }

  public long lastHeardNs() {
    return lastHeardNs;
  }

  /**
   * "attached", "cordoned" (by an operator), "draining" (its agent leaves), "detached" (no stream,
   * and not silent for long enough) or "silent".
   */
  public String stateText() {
    if (silent) {
      return "silent";
    }
    if (!attached) {
      return "detached";
    }
    if (draining) {
      return "draining";
    }
    return cordon == null ? "attached" : "cordoned";
  }

  /** It takes new leases. */
  boolean open() {
    return attached && !silent && !draining && cordon == null;
  }

  /** Window bytes of {@code device} that no lease holds; less than 0 if it reported less anew. */
  long freeBytes(DeviceReport device) {
    return Math.min(freeDeviceBytes(device), capacityBytes - usedBytes);
  }

  /** The same if the host itself had enough for it. */
  long freeDeviceBytes(DeviceReport device) {
    Use use = uses.get(device.getDeviceId());
    return device.getMemoryBytes() - (use == null ? 0 : use.windowBytes);
  }

  int freeShare(DeviceReport device) {
    Use use = uses.get(device.getDeviceId());
    return 1000 - (use == null ? 0 : use.shareMillis);
  }

  /**
   * A worker has made a function of this package ready. So the package is in the cache of its
   * agent, and what the driver has compiled of it in that of the driver: both outlive leases and
   * agents.
   */
  void addLoaded(ByteString digest) {
    loaded.addLast(digest);
    if (loaded.size() > MAX_LOADED) {
      loaded.removeFirst();
    }
  }

  /** How many of {@code functions} are in its caches, as far as the book knows. */
  int countLoaded(List<FunctionSlot> functions) {
    int count = 0;
    for (int i = 0; i < functions.size() && !loaded.isEmpty(); i++) {
      count += loaded.contains(functions.get(i).digest()) ? 1 : 0;
    }
    return count;
  }

  /** It could hold such a lease if it held nothing else. */
  boolean couldHold(LeaseSpec spec) {
    if (spec.workers() > maxWorkers) {
      return false;
    }
    for (DeviceReport device : devices.values()) {
      if (spec.device().accept(device)
          && Math.min(device.getMemoryBytes(), capacityBytes) >= spec.totalBytes()) {
        return true;
      }
    }
    return false;
  }

  /** It has to have room for a request that waits. */
  void reserve(long round, Reservation reservation) {
    if (reservedRound != round) {
      reservedRound = round;
      reservations.clear();
    }
    reservations.add(reservation);
  }

  List<Reservation> reservations(long round) {
    return reservedRound == round ? List.copyOf(reservations) : List.of();
  }

  /** From when on it is reserved; NEVER: it is not. */
  long freeUntilNs(long round) {
    long untilNs = Lease.NEVER;
    if (reservedRound == round) {
      for (Reservation reservation : reservations) {
        untilNs = Math.min(untilNs, reservation.fromNs());
      }
    }
    return untilNs;
  }

  /**
   * When it has room for {@code spec} if each lease ends at its deadline; 0: it has now; NEVER: it
   * never has.
   */
  long fitsAtNs(LeaseSpec spec) {
    List<Lease> ends = new ArrayList<>(held.values());
    ends.sort(Comparator.comparingLong(lease -> lease.holdUntilNs));
    long atNs = Lease.NEVER;
    for (DeviceReport device : devices.values()) {
      if (spec.device().accept(device)) {
        Room room = new Room(this, device);
        long deviceNs = room.fits(spec) ? 0 : Lease.NEVER;
        for (int i = 0; deviceNs == Lease.NEVER && i < ends.size(); i++) {
          room.free(ends.get(i));
          deviceNs = room.fits(spec) ? ends.get(i).holdUntilNs : Lease.NEVER;
        }
        atNs = Math.min(atNs, deviceNs);
      }
    }
    return atNs;
  }
}
