package io.farwarp.gateway.book;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.google.protobuf.ByteString;
import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.DataPathAddress;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.DeviceReport;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.HeldLease;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.WorkerEndpoint;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** A book, a clock that is turned by hand, and the parts that commands are made of. */
final class BookFixture {
  static final long MIB = 1L << 20;
  static final BookLimits LIMITS = BookLimits.of(TimeUnit.SECONDS.toNanos(1));

  /** Requests differ by their ids: one that comes again is answered with the lease it has. */
  private static final AtomicLong REQUESTS = new AtomicLong();

  final LeaseBook book;
  long nowNs = 1;
  private int nextId;

  BookFixture() {
    this(LIMITS);
  }

  BookFixture(BookLimits limits) {
    book = new LeaseBook(limits);
  }

  List<Event> apply(Command command) {
    List<Event> events = book.apply(command, nowNs);
    BookSums.check(book);
    return events;
  }

  List<Event> after(long ms) {
    nowNs += TimeUnit.MILLISECONDS.toNanos(ms);
    return apply(new Command.Tick());
  }

  static AcquireRequest.Builder request(long windowMib, int share) {
    return AcquireRequest.newBuilder()
        .setRequestId(bytes(16, REQUESTS.incrementAndGet()))
        .setClientPublicKey(bytes(32, 1))
        .setDeviceClass(DeviceClass.PTX_CPU)
        .setWindowBytes(windowMib * MIB)
        .setShareMillis(share)
        .setDurationMs(60_000)
        .setWaitMs(10_000);
  }

  static ByteString bytes(int count, long seed) {
    return ByteString.copyFrom(ByteBuffer.allocate(count).putLong(seed).array());
  }

  /** Asks as tenant "t"; answers the lease's id. */
  String ask(AcquireRequest.Builder request) {
    return ask("t", request);
  }

  String ask(String tenant, AcquireRequest.Builder request) {
    return ask(tenant, request, List.of());
  }

  String ask(String tenant, AcquireRequest.Builder request, List<FunctionVersion> functions) {
    String id = "L-" + ++nextId;
    apply(new Command.Request(id, tenant, new LeaseSpec(request.build()), functions));
    return id;
  }

  static AgentHello.Builder hello(String executorId, long capacityMib) {
    return AgentHello.newBuilder()
        .setExecutorId(executorId)
        .setIncarnation(bytes(16, 1))
        .setHostId("host-of-" + executorId)
        .setWindowCapacityBytes(capacityMib * MIB)
        .addDevices(device("ptx-0", DeviceClass.PTX_CPU, capacityMib));
  }

  static DeviceReport device(String id, DeviceClass deviceClass, long mib) {
    return DeviceReport.newBuilder()
        .setDeviceId(id)
        .setDeviceClass(deviceClass)
        .setName("a device")
        .setMemoryBytes(mib * MIB)
        .setComputeUnits(4)
        .build();
  }

  List<Event> attach(AgentHello.Builder hello) {
    return apply(new Command.AgentAttached("agent", hello.build()));
  }

  void beat(String executorId) {
    apply(new Command.Heartbeats(Map.of(executorId, nowNs)));
  }

  /** Passes {@code ms} with a heartbeat of the executor each 500 ms. */
  void alive(String executorId, long ms) {
    for (long passed = 0; passed < ms; passed += 500) {
      after(Math.min(500, ms - passed));
      beat(executorId);
    }
  }

  List<Event> prepared(String executorId, String leaseId) {
    return apply(new Command.Prepared(executorId, preparedMessage(lease(leaseId))));
  }

  static LeasePrepared preparedMessage(Lease lease) {
    LeasePrepared.Builder message = LeasePrepared.newBuilder().setLeaseId(lease.id());
    for (int i = 0; i < lease.spec().request().getWorkers(); i++) {
      message.addWorkers(
          WorkerEndpoint.newBuilder()
              .setWorkerIndex(i)
              .addAddresses(
                  DataPathAddress.newBuilder().setTransport("tcp").setAddress("127.0.0.1:1")));
    }
    for (FunctionSlot function : lease.functions()) {
      message.addFunctions(
          FunctionPrepared.newBuilder().setLeaseId(lease.id()).setFunctionId(function.id()));
    }
    return message.build();
  }

  List<Event> ended(String executorId, String leaseId) {
    return apply(new Command.Ended(executorId, leaseId, LeaseState.REVOKED, "ended"));
  }

  static HeldLease held(Lease lease) {
    Slice slice = lease.slice();
    assertNotNull(slice);
    return HeldLease.newBuilder()
        .setLeaseId(lease.id())
        .setTenant(lease.tenant())
        .setDeviceId(slice.deviceId())
        .setWindowBytes(lease.spec().request().getWindowBytes())
        .setShareMillis(slice.shareMillis())
        .setWorkers(lease.spec().request().getWorkers())
        .setTtlMs(10_000)
        .build();
  }

  Lease lease(String id) {
    Lease lease = book.lease(id);
    assertNotNull(lease, id);
    return lease;
  }

  /** Asks, and has the lease's agent prepare it; answers its id. */
  String active(String tenant, AcquireRequest.Builder request) {
    String id = ask(tenant, request);
    assertEquals(LeaseState.PREPARING, state(id), lease(id).reason());
    prepared(executorOf(id), id);
    return id;
  }

  /** Its holder releases the lease, and its agent confirms. */
  void release(String id) {
    String executor = executorOf(id);
    apply(new Command.Release(id, "done"));
    ended(executor, id);
  }

  /** The tenant's leases in that state, the oldest first. */
  List<Lease> of(String tenant, LeaseState state) {
    return book.leases().stream()
        .filter(lease -> lease.tenant().equals(tenant) && lease.state() == state)
        .toList();
  }

  LeaseState state(String id) {
    return lease(id).state();
  }

  String executorOf(String id) {
    Slice slice = lease(id).slice();
    assertNotNull(slice, "lease " + id + " holds nothing");
    return slice.executorId();
  }

  static <E extends Event> List<E> only(Class<E> kind, List<Event> events) {
    return events.stream().filter(kind::isInstance).map(kind::cast).toList();
  }
}
