package io.farwarp.gateway.book;

import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.DeviceClass;
import io.farwarp.wire.Ed25519;
import java.util.concurrent.TimeUnit;

/**
 * What a tenant asks for, checked against the limits that lease.proto states, its defaults filled
 * in. Equal to another if all that was asked for is.
 */
public final class LeaseSpec {
  private static final long WINDOW_UNIT_BYTES = 2L << 20;
  private static final long MAX_WINDOW_BYTES = 1L << 40;

  /** What each of several workers has to have of a device's compute, in thousandths. */
  private static final int WORKER_SHARE_MILLIS = 10;

  private static final long MAX_DURATION_MS = TimeUnit.HOURS.toMillis(24);
  private static final int MAX_TRANSPORTS = 8;

  private final AcquireRequest request;
  private final DeviceConstraints device;

  /** Throws {@link IllegalArgumentException} that names the field, its value and the limit. */
  public LeaseSpec(AcquireRequest request) {
    inRange("request_id bytes", request.getRequestId().size(), 16, 16);
    inRange(
        "client_public_key bytes",
        request.getClientPublicKey().size(),
        Ed25519.PUBLIC_KEY_BYTES,
        Ed25519.PUBLIC_KEY_BYTES);
    Ed25519.publicKeyFromRaw(request.getClientPublicKey().toByteArray());
    inRange("window_bytes", request.getWindowBytes(), 4096, MAX_WINDOW_BYTES);
    inRange("share_millis", request.getShareMillis(), 0, 1000);
    inRange("workers", request.getWorkers(), 0, 64);
    inRange("duration_ms", request.getDurationMs(), 1000, MAX_DURATION_MS);
    inRange("wait_ms", request.getWaitMs(), 0, MAX_DURATION_MS);
    inRange("hot_us", request.getHotUs(), 0, 1_000_000);
    inRange("priority", request.getPriority(), 0, 9);
    inRange("functions", request.getFunctionsCount(), 0, 32);
    inRange("client_host_id bytes", request.getClientHostIdBytes().size(), 0, 128);
    inRange("client_transports", request.getClientTransportsCount(), 0, MAX_TRANSPORTS);
    for (String transport : request.getClientTransportsList()) {
      inRange("client_transports name length", transport.length(), 1, 16);
    }
    DeviceClass wanted = request.getDeviceClass();
    if (wanted == DeviceClass.UNRECOGNIZED) {
      throw new IllegalArgumentException(
          "device_class " + request.getDeviceClassValue() + " is not known to this gateway");
    }
    this.request =
        request.toBuilder()
            .setDeviceClass(
                wanted == DeviceClass.DEVICE_CLASS_UNSPECIFIED ? DeviceClass.ANY : wanted)
            .setWindowBytes(
                Math.ceilDiv(request.getWindowBytes(), WINDOW_UNIT_BYTES) * WINDOW_UNIT_BYTES)
            .setShareMillis(request.getShareMillis() == 0 ? 1000 : request.getShareMillis())
            .setWorkers(Math.max(1, request.getWorkers()))
            .build();
    this.device = new DeviceConstraints(this.request);
  }

  public AcquireRequest request() {
    return request;
  }

  /** Checks a renewal's or a request's time to live. */
  public static void checkDuration(long durationMs) {
    inRange("duration_ms", durationMs, 1000, MAX_DURATION_MS);
  }

  /**
   * Why a request like this is refused, though a lease of an older gateway may be like this; empty:
   * it is not. Without such a floor 64 workers could share a thousandth of a device.
   */
  String refusal() {
    int leastShare = workers() * WORKER_SHARE_MILLIS;
    return workers() == 1 || shareMillis() >= leastShare
        ? ""
        : ("workers is %d and share_millis %d; %d workers want a share of at least %d thousandths, %d"
                + " each: ask for fewer workers or a larger share")
            .formatted(workers(), shareMillis(), workers(), leastShare, WORKER_SHARE_MILLIS);
  }

  /** Throws {@link IllegalArgumentException} that names the field, its value and the limit. */
  public static void inRange(String field, long value, long least, long most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          least == most
              ? "%s is %d; it must be %d".formatted(field, value, most)
              : "%s is %d; it takes %d to %d".formatted(field, value, least, most));
    }
  }

  public DeviceClass deviceClass() {
    return request.getDeviceClass();
  }

  /** What the device has to be like; on the book's thread only. */
  DeviceConstraints device() {
    return device;
  }

  /** Bytes of all the workers' windows together. */
  public long totalBytes() {
    return request.getWindowBytes() * request.getWorkers();
  }

  public int workers() {
    return request.getWorkers();
  }

  public int priority() {
    return request.getPriority();
  }

  public int shareMillis() {
    return request.getShareMillis();
  }

  /**
   * It may be told to end, with some grace, when one that is not preemptible waits for its slice.
   */
  public boolean preemptible() {
    return request.getPreemptible();
  }

  /** What of the request decides where it fits. */
  AcquireRequest needs() {
    return request.toBuilder()
        .clearRequestId()
        .clearClientPublicKey()
        .clearDurationMs()
        .clearWaitMs()
        .clearHotUs()
        .clearFunctions()
        .clearPriority()
        .clearPreemptible()
        .clearClientHostId()
        .clearClientTransports()
        .clearClientTransports()
        .build();
  }

  /** Device time that it comes to if it is not renewed: share times time. */
  long deviceNs() {
    return deviceNs(durationNs());
  }

  long deviceNs(long timeNs) {
    return timeNs / 1000 * shareMillis();
  }

  long durationNs() {
    return TimeUnit.MILLISECONDS.toNanos(request.getDurationMs());
  }

  long waitNs() {
    return TimeUnit.MILLISECONDS.toNanos(request.getWaitMs());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LeaseSpec spec && request.equals(spec.request);
  }

  @Override
  public int hashCode() {
    return request.hashCode();
  }

  /** "96.0 GiB, 2 workers and 500/1000 of a CUDA device". */
  String text() {
    return "%s, %d worker%s and %d/1000 of %s"
        .formatted(
            Bytes.text(totalBytes()),
            workers(),
            workers() == 1 ? "" : "s",
            shareMillis(),
            device.text());
  }
}
