package io.farwarp.gateway;

import io.farwarp.v1.AgentHello;
import io.farwarp.v1.DataPathAddress;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.DeviceReport;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.HeldLease;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.WorkerEndpoint;
import io.farwarp.wire.ComputeCapability;
import io.farwarp.wire.PeerText;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;

/** What an agent says is checked here before it reaches the lease book. */
final class AgentChecks {
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9._-]{1,64}");
  private static final long MAX_BYTES = 1L << 50;
  private static final int MAX_DEVICES = 64;
  private static final int MAX_HELD = 4096;
  private static final int MAX_WORKERS = 64;
  private static final int MAX_ADDRESSES = 8;
  private static final int MAX_TEXT = 1024;

  private AgentChecks() {}

  static void check(AgentHello hello) throws Refusal {
    id("executor_id", hello.getExecutorId());
    inRange("incarnation bytes", hello.getIncarnation().size(), 16, 16);
    inRange("host_id length", hello.getHostId().length(), 0, 128);
    inRange("version length", hello.getVersion().length(), 0, 128);
    inRange("window_capacity_bytes", hello.getWindowCapacityBytes(), 0, MAX_BYTES);
    inRange("max_workers", hello.getMaxWorkers(), 0, 100_000);
    inRange("stream", hello.getStream(), 0, Long.MAX_VALUE);
    inRange("transports", hello.getTransportsCount(), 0, MAX_ADDRESSES);
    for (String transport : hello.getTransportsList()) {
      inRange("transport length", transport.length(), 1, 16);
    }
    inRange("devices", hello.getDevicesCount(), 0, MAX_DEVICES);
    inRange("held leases", hello.getHeldCount(), 0, MAX_HELD);
    Set<String> devices = new HashSet<>();
    for (DeviceReport device : hello.getDevicesList()) {
      id("device_id", device.getDeviceId());
      if (!devices.add(device.getDeviceId())) {
        throw Refusal.invalid("device_id " + device.getDeviceId() + " is there twice");
      }
      if (device.getDeviceClass() != DeviceClass.CUDA
          && device.getDeviceClass() != DeviceClass.PTX_CPU) {
        throw Refusal.invalid(
            "device %s is of class %s; it must be CUDA or PTX_CPU"
                .formatted(device.getDeviceId(), device.getDeviceClass()));
      }
      inRange("memory_bytes", device.getMemoryBytes(), 0, MAX_BYTES);
      inRange("compute_units", device.getComputeUnits(), 1, 1_000_000);
      inRange("device name length", device.getName().length(), 0, 256);
      inRange(
          "compute_capability of a " + device.getDeviceClass() + " device",
          device.getComputeCapability(),
          0,
          device.getDeviceClass() == DeviceClass.CUDA ? ComputeCapability.MAX : 0);
      inRange("out_of_service length", device.getOutOfService().length(), 0, MAX_TEXT);
    }
    Set<String> held = new HashSet<>();
    for (HeldLease lease : hello.getHeldList()) {
      id("lease_id", lease.getLeaseId());
      if (!held.add(lease.getLeaseId())) {
        throw Refusal.invalid("held lease " + lease.getLeaseId() + " is there twice");
      }
      id("device_id", lease.getDeviceId());
      inRange("window_bytes", lease.getWindowBytes(), 4096, 1L << 40);
      inRange("share_millis", lease.getShareMillis(), 1, 1000);
      inRange("workers", lease.getWorkers(), 1, MAX_WORKERS);
      inRange("tenant length", lease.getTenant().length(), 0, 64);
    }
  }

  static void check(LeasePrepared prepared) throws Refusal {
    inRange("workers", prepared.getWorkersCount(), 0, MAX_WORKERS);
    inRange("functions", prepared.getFunctionsCount(), 0, 32);
    inRange("error length", prepared.getError().length(), 0, 16 * MAX_TEXT);
    for (FunctionPrepared function : prepared.getFunctionsList()) {
      inRange("function error length", function.getError().length(), 0, 16 * MAX_TEXT);
    }
    Set<Integer> slots = new HashSet<>();
    for (WorkerEndpoint worker : prepared.getWorkersList()) {
      inRange("worker_index", worker.getWorkerIndex(), 0, prepared.getWorkersCount() - 1);
      if (!slots.add(worker.getWorkerIndex())) {
        throw Refusal.invalid("worker_index " + worker.getWorkerIndex() + " is there twice");
      }
      inRange("addresses of a worker", worker.getAddressesCount(), 1, MAX_ADDRESSES);
      for (DataPathAddress address : worker.getAddressesList()) {
        inRange("transport length", address.getTransport().length(), 1, 16);
        inRange("address length", address.getAddress().length(), 1, MAX_TEXT);
        inRange("host_id length", address.getHostId().length(), 0, 128);
      }
    }
  }

  /** The same with its errors cut at a length that is fit for a reason. */
  static LeasePrepared shortened(LeasePrepared prepared) {
    LeasePrepared.Builder shortened =
        prepared.toBuilder().setError(reason(prepared.getError())).clearFunctions();
    for (FunctionPrepared function : prepared.getFunctionsList()) {
      shortened.addFunctions(shortened(function));
    }
    return shortened.build();
  }

  static FunctionPrepared shortened(FunctionPrepared prepared) {
    return prepared.toBuilder().setError(reason(prepared.getError())).build();
  }

  /** {@code text} cut at a length that is fit for a reason, and printable. */
  static String reason(String text) {
    String cut = text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT);
    return PeerText.printable(cut);
  }

  private static void id(String field, String value) throws Refusal {
    if (!ID.matcher(value).matches()) {
      throw Refusal.invalid(
          "%s \"%s\" is not 1 to 64 of [A-Za-z0-9._-]".formatted(field, reason(value)));
    }
  }

  private static void inRange(String field, long value, long least, long most) throws Refusal {
    if (value < least || value > most) {
      throw Refusal.invalid("%s is %d; it takes %d to %d".formatted(field, value, least, most));
    }
  }
}
