package io.farwarp.gateway.book;

import com.google.protobuf.ByteString;
import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.WorkerEndpoint;
import io.farwarp.wire.Status;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One request for a lease and all that became of it. Changed by its {@link LeaseBook} only, and
 * read on the book's thread.
 */
public final class Lease {
  static final int MAX_FUNCTIONS = 256;
  static final long NEVER = Long.MAX_VALUE;

  final String id;
  final String tenant;
  final LeaseSpec spec;
  final AcquireRequest needs;
  final long requestedNs;
  LeaseState state = LeaseState.QUEUED;
  Status status = Status.OK;
  String reason = "";

  /** What was granted; stays after the end, for people. */
  @Nullable Slice slice;

  /** The slice is not free: the agent has it, or may have it. */
  boolean held;

  /** When the agent has certainly ended it by itself, whatever messages were lost. */
  long holdUntilNs = NEVER;

  /** The present state's own deadline: end of waiting, of preparing, of the lease. */
  long deadlineNs = NEVER;

  /** When the book's timer looks at it next. */
  long timerNs = NEVER;

  long grantedNs;
  long activeNs;
  int renewal;
  int place;

  /** How long it may wait still, going by the last grants; 0: not known. */
  long estimateNs;

  /** What its slice is to be free for, and when. */
  List<Reservation> gaps = List.of();

  /** EXPIRING: the state that it ends in. */
  LeaseState endsAs = LeaseState.EXPIRED;

  /** Of requests that wait, the older has the smaller. */
  long arrival;

  DeviceClass deviceClass = DeviceClass.DEVICE_CLASS_UNSPECIFIED;
  String deviceName = "";
  List<WorkerEndpoint> workers = List.of();
  final List<FunctionSlot> functions = new ArrayList<>();

  Lease(String id, String tenant, LeaseSpec spec, long requestedNs) {
    this.id = id;
    this.tenant = tenant;
    this.spec = spec;
    this.needs = spec.needs();
    this.requestedNs = requestedNs;
  }

  public String id() {
    return id;
  }

  public String tenant() {
    return tenant;
  }

  public LeaseSpec spec() {
    return spec;
  }

  public LeaseState state() {
    return state;
  }

  /** Why it ended; OK before. */
  public Status status() {
    return status;
  }

  public String reason() {
    return reason;
  }

  /** When it became ACTIVE; 0 before. */
  public long activeNs() {
    return activeNs;
  }

  /** EXPIRING: the state that it ends in. */
  public LeaseState endsAs() {
    return endsAs;
  }

  public @Nullable Slice slice() {
    return slice;
  }

  /** What it holds. */
  Slice heldSlice() {
    Slice slice = this.slice;
    if (slice == null) {
      throw new IllegalStateException("lease " + id + " holds nothing");
    }
    return slice;
  }

  public boolean held() {
    return held;
  }

  /** It can be used: it is ACTIVE, or EXPIRING. */
  public boolean usable() {
    return state == LeaseState.ACTIVE || state == LeaseState.EXPIRING;
  }

  /** When it ends unless it is renewed; usable leases only. */
  public long deadlineNs() {
    return deadlineNs;
  }

  public long holdUntilNs() {
    return holdUntilNs;
  }

  public long requestedNs() {
    return requestedNs;
  }

  /** From request to grant; 0 before. */
  public long queuedNs() {
    return grantedNs == 0 ? 0 : grantedNs - requestedNs;
  }

  /** From grant to ACTIVE; 0 before. */
  public long prepareNs() {
    return activeNs == 0 ? 0 : activeNs - grantedNs;
  }

  /** The first reservation that it would be in the way of until {@code untilNs}; null: of none. */
  @Nullable Reservation gapBefore(long untilNs) {
    @Nullable Reservation first = null;
    for (Reservation gap : gaps) {
      if (gap.request().state == LeaseState.QUEUED
          && gap.fromNs() < (first == null ? untilNs : first.fromNs())) {
        first = gap;
      }
    }
    return first;
  }

  /** Share of its device times the time that it was ACTIVE, until {@code nowNs}. */
  long deviceNs(long nowNs) {
    return activeNs == 0 ? 0 : spec.deviceNs(Math.max(0, nowNs - activeNs));
  }

  /** What {@link #deviceNs} comes to if it ends at its deadline. */
  long promisedDeviceNs() {
    return activeNs == 0 ? spec.deviceNs() : spec.deviceNs(deadlineNs - activeNs);
  }

  public int renewal() {
    return renewal;
  }

  /** Place in the queue, 1 is next; 0 when it does not wait. */
  public int place() {
    return state == LeaseState.QUEUED ? place : 0;
  }

  /** Milliseconds that it may wait still, going by the last grants; 0: not known. */
  public long estimateMs() {
    return state == LeaseState.QUEUED ? TimeUnit.NANOSECONDS.toMillis(estimateNs) : 0;
  }

  public DeviceClass deviceClass() {
    return deviceClass;
  }

  public String deviceName() {
    return deviceName;
  }

  public List<WorkerEndpoint> workers() {
    return workers;
  }

  public List<FunctionSlot> functions() {
    return Collections.unmodifiableList(functions);
  }

  public @Nullable FunctionSlot function(int id) {
    return id >= 1 && id <= functions.size() ? functions.get(id - 1) : null;
  }

  public @Nullable FunctionSlot function(ByteString digest) {
    for (FunctionSlot slot : functions) {
      if (slot.digest().equals(digest)) {
        return slot;
      }
    }
    return null;
  }

  FunctionSlot allot(FunctionVersion version) {
    FunctionSlot slot = new FunctionSlot(functions.size() + 1, version);
    functions.add(slot);
    return slot;
  }

  public boolean ended() {
    return ended(state);
  }

  static boolean ended(LeaseState state) {
    return switch (state) {
      case QUEUED, PREPARING, ACTIVE, EXPIRING -> false;
      case RELEASED, EXPIRED, REVOKED, LOST, FAILED -> true;
      case LEASE_STATE_UNSPECIFIED, UNRECOGNIZED -> false;
    };
  }

  /** When the book has to look at it next. */
  long dueNs() {
    if (!ended()) {
      return deadlineNs;
    }
    return held ? holdUntilNs : NEVER;
  }

  /** Why a lease has ended that ended in {@code state}, unless it is known better. */
  static Status statusOf(LeaseState state) {
    return switch (state) {
      case LEASE_STATE_UNSPECIFIED, QUEUED, PREPARING, ACTIVE, EXPIRING, UNRECOGNIZED -> Status.OK;
      case RELEASED -> Status.LEASE_RELEASED;
      case EXPIRED -> Status.LEASE_EXPIRED;
      case REVOKED -> Status.LEASE_REVOKED;
      case LOST, FAILED -> Status.WORKER_LOST;
    };
  }
}
