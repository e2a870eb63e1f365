package io.farwarp.client;

import io.farwarp.wire.ComputeCapability;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * What a lease is asked for. Immutable; each method returns a changed copy.
 *
 * @param minComputeCapability least of the device: 10 times the major version plus the minor one,
 *     as in {@code sm_90}; 0: any
 * @param deviceName what the device's name is like; at most 64 characters; empty: any
 * @param minDeviceMemoryBytes least memory of the device, whoever holds it; 0 to 1 PiB
 * @param windowBytes window of each worker, 4 KiB to 1 TiB; the gateway rounds up to 2 MiB
 * @param shareMillis share of the device's compute in thousandths, 1 to 1000
 * @param workers worker processes, 1 to 64, all on one executor
 * @param duration time to live, 1 s to 24 h; renewed in the background if {@code renewing}
 * @param waitAtMost how long the request may queue, 0 to 24 h; zero: granted now or refused
 * @param hot how long each side spins for the next work before it blocks, 0 to 1 s
 * @param priority 0 to 9; among this tenant's own requests each step counts as a minute of waiting
 * @param preemptible it may be told to end when a request that is not preemptible waits for its
 *     slice
 * @param functions "name" or "name:version", prepared before the lease is active; at most 32
 */
public record LeaseRequest(
    Device device,
    int minComputeCapability,
    String deviceName,
    long minDeviceMemoryBytes,
    long windowBytes,
    int shareMillis,
    int workers,
    Duration duration,
    Duration waitAtMost,
    Duration hot,
    int priority,
    boolean preemptible,
    List<String> functions,
    boolean renewing) {

  private static final long MIN_WINDOW_BYTES = ByteSize.KIB.of(4);
  private static final long MAX_WINDOW_BYTES = ByteSize.TIB.of(1);
  private static final Duration DAY = Duration.ofHours(24);
  private static final int MAX_FUNCTIONS = 32;
  private static final int MAX_NAME_LENGTH = 64;
  private static final long MAX_DEVICE_BYTES = ByteSize.TIB.of(1024);

  public LeaseRequest {
    functions = List.copyOf(functions);
    check("minComputeCapability (9.0 is 90)", minComputeCapability, 0, ComputeCapability.MAX);
    check("deviceName (characters)", deviceName.length(), 0, MAX_NAME_LENGTH);
    check("minDeviceMemory (bytes)", minDeviceMemoryBytes, 0, MAX_DEVICE_BYTES);
    check("memory (bytes)", windowBytes, MIN_WINDOW_BYTES, MAX_WINDOW_BYTES);
    check("share (thousandths)", shareMillis, 1, 1000);
    check("workers", workers, 1, 64);
    check("duration", duration, Duration.ofSeconds(1), DAY);
    check("waitAtMost", waitAtMost, Duration.ZERO, DAY);
    check("hot", hot, Duration.ZERO, Duration.ofSeconds(1));
    check("priority", priority, 0, 9);
    check("functions", functions.size(), 0, MAX_FUNCTIONS);
  }

  /** One worker with a window of 256 MiB and the whole device for five minutes, renewed. */
  public static LeaseRequest on(Device device) {
    return new LeaseRequest(
        device,
        0,
        "",
        0,
        ByteSize.MIB.of(256),
        1000,
        1,
        Duration.ofMinutes(5),
        Duration.ZERO,
        Duration.ZERO,
        0,
        false,
        List.of(),
        true);
  }

  /**
   * Least compute capability of the device, such as "9.0". Only GPUs have one, so no other device
   * is leased then.
   */
  public LeaseRequest minComputeCapability(String majorAndMinor) {
    return with(draft -> draft.minComputeCapability = ComputeCapability.parse(majorAndMinor));
  }

  /**
   * What the device's whole name is like, without regard to case: {@code *} stands for any
   * characters, {@code ?} for one: "*A100*80GB*". At most 64 characters.
   */
  public LeaseRequest deviceName(String pattern) {
    return with(draft -> draft.deviceName = pattern);
  }

  /** Least memory of the device in bytes, whoever holds it; of the window, see {@link #memory}. */
  public LeaseRequest minDeviceMemory(long bytes) {
    return with(draft -> draft.minDeviceMemoryBytes = bytes);
  }

  /** Window of each worker in bytes. */
  public LeaseRequest memory(long bytes) {
    return with(draft -> draft.windowBytes = bytes);
  }

  /** Share of the device's compute, above 0 to 1. */
  public LeaseRequest share(double share) {
    return shareMillis((int) Math.round(share * 1000));
  }

  public LeaseRequest shareMillis(int thousandths) {
    return with(draft -> draft.shareMillis = thousandths);
  }

  public LeaseRequest workers(int count) {
    return with(draft -> draft.workers = count);
  }

  public LeaseRequest duration(Duration wanted) {
    return with(draft -> draft.duration = wanted);
  }

  public LeaseRequest waitAtMost(Duration limit) {
    return with(draft -> draft.waitAtMost = limit);
  }

  public LeaseRequest hot(Duration spin) {
    return with(draft -> draft.hot = spin);
  }

  /**
   * Which of this tenant's requests is served first, 0 (the default) to 9: each step counts as a
   * minute of waiting. It gives no precedence over other tenants.
   */
  public LeaseRequest priority(int steps) {
    return with(draft -> draft.priority = steps);
  }

  /**
   * Whether the lease may be told to end, with some seconds of grace, when a request that is not
   * preemptible waits for its slice; off by default. {@link Lease#onExpiring} tells of it.
   */
  public LeaseRequest preemptible(boolean on) {
    return with(draft -> draft.preemptible = on);
  }

  public LeaseRequest functions(String... names) {
    return with(draft -> draft.functions = List.of(names));
  }

  /** Whether the lease is renewed in the background at half of its time to live; on by default. */
  public LeaseRequest renewing(boolean on) {
    return with(draft -> draft.renewing = on);
  }

  /** The one place where a copy is made. */
  private LeaseRequest with(Consumer<Draft> change) {
    Draft draft = new Draft(this);
    change.accept(draft);
    return draft.request();
  }

  /** A request whose parts can be set one by one. */
  private static final class Draft {
    final Device device;
    int minComputeCapability;
    String deviceName;
    long minDeviceMemoryBytes;
    long windowBytes;
    int shareMillis;
    int workers;
    Duration duration;
    Duration waitAtMost;
    Duration hot;
    int priority;
    boolean preemptible;
    List<String> functions;
    boolean renewing;

    Draft(LeaseRequest from) {
      device = from.device;
      minComputeCapability = from.minComputeCapability;
      deviceName = from.deviceName;
      minDeviceMemoryBytes = from.minDeviceMemoryBytes;
      windowBytes = from.windowBytes;
      shareMillis = from.shareMillis;
      workers = from.workers;
      duration = from.duration;
      waitAtMost = from.waitAtMost;
      hot = from.hot;
      priority = from.priority;
      preemptible = from.preemptible;
      functions = from.functions;
      renewing = from.renewing;
    }

    LeaseRequest request() {
      return new LeaseRequest(
          device,
          minComputeCapability,
          deviceName,
          minDeviceMemoryBytes,
          windowBytes,
          shareMillis,
          workers,
          duration,
          waitAtMost,
          hot,
          priority,
          preemptible,
          functions,
          renewing);
    }
  }

  private static void check(String what, long value, long least, long most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          "%s of a lease is %d; it takes %d to %d".formatted(what, value, least, most));
    }
  }

  private static void check(String what, Duration value, Duration least, Duration most) {
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw new IllegalArgumentException(
          "%s of a lease is %s; it takes %s to %s".formatted(what, value, least, most));
    }
  }
}
