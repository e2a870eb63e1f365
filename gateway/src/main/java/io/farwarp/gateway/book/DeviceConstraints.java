package io.farwarp.gateway.book;

import static io.farwarp.gateway.book.LeaseSpec.inRange;

import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.DeviceReport;
import io.farwarp.wire.ComputeCapability;
import io.farwarp.wire.PeerText;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a request wants of the device that it is placed on. One thread at a time. */
final class DeviceConstraints {
  private static final long MAX_MEMORY_BYTES = 1L << 50;

  /** The first constraint, in this order, that a device does not meet. */
  private enum Unmet {
    DEVICE_CLASS,
    COMPUTE_CAPABILITY,
    NAME,
    MEMORY,
    NONE
  }

  private final DeviceClass deviceClass;
  private final int minComputeCapability;
  private final NamePattern name;
  private final long minMemoryBytes;

  /** Throws {@link IllegalArgumentException} that names the field, its value and the limit. */
  DeviceConstraints(AcquireRequest request) {
    deviceClass = request.getDeviceClass();
    minComputeCapability = request.getMinComputeCapability();
    name = NamePattern.of(request.getDeviceName());
    minMemoryBytes = request.getMinDeviceMemoryBytes();
    inRange("min_compute_capability", minComputeCapability, 0, ComputeCapability.MAX);
    inRange("device_name length", request.getDeviceName().length(), 0, NamePattern.MAX_LENGTH);
    inRange("min_device_memory_bytes", minMemoryBytes, 0, MAX_MEMORY_BYTES);
    if (minComputeCapability > 0 && deviceClass == DeviceClass.PTX_CPU) {
      throw new IllegalArgumentException(
          "min_compute_capability is %d (%s) and device_class PTX_CPU, which has no compute capability: ask for CUDA, or for none"
              .formatted(minComputeCapability, ComputeCapability.text(minComputeCapability)));
    }
  }

  boolean accept(DeviceReport device) {
    return unmet(device) == Unmet.NONE;
  }

  private Unmet unmet(DeviceReport device) {
    if (deviceClass != DeviceClass.ANY && deviceClass != device.getDeviceClass()) {
      return Unmet.DEVICE_CLASS;
    }
    if (device.getComputeCapability() < minComputeCapability) {
      return Unmet.COMPUTE_CAPABILITY;
    }
    if (!name.matches(device.getName())) {
      return Unmet.NAME;
    }
    return device.getMemoryBytes() < minMemoryBytes ? Unmet.MEMORY : Unmet.NONE;
  }

  /** Why none of {@code executors} has such a device; empty: one has. */
  String whyNone(Collection<Executor> executors) {
    @Nullable Executor where = null;
    DeviceReport nearest = DeviceReport.getDefaultInstance();
    Unmet unmet = Unmet.DEVICE_CLASS;
    for (Executor executor : executors) {
      if (executor.open()) {
        for (DeviceReport device : executor.devices()) {
          Unmet its = unmet(device);
          if (its == Unmet.NONE) {
            return "";
          }
          if (its.compareTo(unmet) > 0 || (its == unmet && nearer(its, device, nearest))) {
            where = executor;
            nearest = device;
            unmet = its;
          }
        }
      }
    }
    String fact =
        switch (unmet) {
          case DEVICE_CLASS, NONE -> "";
          case COMPUTE_CAPABILITY ->
              nearest.getComputeCapability() == 0
                  ? "has no compute capability"
                  : "has compute capability "
                      + ComputeCapability.text(nearest.getComputeCapability());
          case NAME -> "has another name";
          case MEMORY -> "has " + Bytes.text(nearest.getMemoryBytes());
        };
    return where == null || fact.isEmpty()
        ? "no executor with such a device is attached"
        : "no executor with such a device is attached: the nearest, \"%s\" on executor %s, %s"
            .formatted(PeerText.printable(nearest.getName()), where.id(), fact);
  }

  /** Of two devices that do not meet the same constraint. */
  private static boolean nearer(Unmet unmet, DeviceReport device, DeviceReport other) {
    return switch (unmet) {
      case COMPUTE_CAPABILITY -> device.getComputeCapability() > other.getComputeCapability();
      case MEMORY -> device.getMemoryBytes() > other.getMemoryBytes();
      case DEVICE_CLASS, NAME, NONE -> false;
    };
  }

  /** "a CUDA device with compute capability 8.0 or more and a name like "*A100*"". */
  String text() {
    List<String> wanted = new ArrayList<>();
    if (minComputeCapability > 0) {
      wanted.add("compute capability " + ComputeCapability.text(minComputeCapability) + " or more");
    }
    if (!name.toString().isEmpty()) {
      wanted.add("a name like \"" + PeerText.printable(name.toString()) + "\"");
    }
    if (minMemoryBytes > 0) {
      wanted.add(Bytes.text(minMemoryBytes) + " of memory or more");
    }
    return (deviceClass == DeviceClass.ANY ? "any device" : "a " + deviceClass + " device")
        + (wanted.isEmpty() ? "" : " with " + String.join(" and ", wanted));
  }
}
