package io.farwarp.executor.agent;

import io.farwarp.rdma.linux.HostLimits;
import io.farwarp.v1.PrepareLease;
import java.io.IOException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Whether this host can take a lease that the gateway has placed on it. */
final class AdmissionCheck {
  private static final long LEAST_WINDOW_BYTES = 4096;

  private AdmissionCheck() {}

  /** Null, or why not, with the value and the limit. */
  static @Nullable String refusal(
      PrepareLease order,
      AgentOptions options,
      long usedBytes,
      int workers,
      @Nullable AgentDevice device,
      long usedDeviceBytes,
      int usedShareMillis) {
    if (device == null) {
      return "no device %s here; there is %s"
          .formatted(
              order.getDeviceId(),
              options.devices().stream().map(AgentDevice::id).collect(Collectors.joining(", ")));
    }
    if (order.getWorkers() < 1) {
      return "a lease of %d workers".formatted(order.getWorkers());
    }
    if (order.getWorkers() > options.maxWorkers() - workers) {
      return "%d workers; %d of %d run on %s: ask for fewer, wait, or raise --max-workers"
          .formatted(order.getWorkers(), workers, options.maxWorkers(), options.executorId());
    }
    if (order.getShareMillis() < 1 || order.getShareMillis() > 1000) {
      return "a share of %d thousandths; 1 to 1000".formatted(order.getShareMillis());
    }
    if (order.getShareMillis() > 1000 - usedShareMillis) {
      return "a share of %d thousandths; %d of 1000 of %s are taken"
          .formatted(order.getShareMillis(), usedShareMillis, order.getDeviceId());
    }
    long leftBytes = options.windowMemoryBytes() - usedBytes;
    if (order.getWindowBytes() < LEAST_WINDOW_BYTES
        || order.getWindowBytes() > leftBytes / order.getWorkers()) {
      return "%d windows of %d bytes; %d of %d bytes are free on %s"
          .formatted(
              order.getWorkers(),
              order.getWindowBytes(),
              leftBytes,
              options.windowMemoryBytes(),
              options.executorId());
    }
    String deviceRefusal = deviceRefusal(order, device, usedDeviceBytes);
    return deviceRefusal != null
        ? deviceRefusal
        : hostRefusal(order, !options.verbsHost().isEmpty());
  }

  private static @Nullable String deviceRefusal(
      PrepareLease order, AgentDevice device, long usedBytes) {
    long workerBytes = device.workerBytes(order.getWindowBytes());
    long leftBytes = device.report().getMemoryBytes() - usedBytes;
    return workerBytes == 0 || workerBytes <= leftBytes / order.getWorkers()
        ? null
        : "%d workers that may take %d bytes each of %s, with windows of %d; %d of %d are free"
                .formatted(
                    order.getWorkers(),
                    workerBytes,
                    device.id(),
                    order.getWindowBytes(),
                    Math.max(0, leftBytes),
                    device.report().getMemoryBytes())
            + ": ask for fewer or for smaller windows";
  }

  /**
   * @param pinned verbs locks the pages of a window; shm, tcp and the PTX CPU device lock none
   */
  private static @Nullable String hostRefusal(PrepareLease order, boolean pinned) {
    try {
      String refusal =
          HostLimits.read()
              .refusal(order.getWindowBytes(), order.getWorkers(), pinned)
              .orElse(null);
      return refusal == null ? memoryRefusal(order) : refusal;
    } catch (IOException e) {
      return "the host's limits cannot be read: " + e.getMessage();
    }
  }

  /**
   * Counts what workers may take beside their windows, which nothing gives back once it is used.
   */
  private static @Nullable String memoryRefusal(PrepareLease order) throws IOException {
    long workerBytes = HostMemory.workerBytes(order.getWindowBytes());
    long availableBytes = HostMemory.availableBytes();
    return workerBytes <= availableBytes / order.getWorkers()
        ? null
        : "%d workers that may take %d bytes each with their windows; %d bytes are available"
                .formatted(order.getWorkers(), workerBytes, availableBytes)
            + " on this host: ask for fewer or for smaller windows";
  }
}
