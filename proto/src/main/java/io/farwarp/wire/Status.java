package io.farwarp.wire;

/**
 * How an invocation, a session or a request ended: the one status vocabulary of Farwarp, on the
 * wire and in Java.
 *
 * <p>A code never changes its meaning once released.
 */
public enum Status {
  OK(0),
  /** The caller cancelled the invocation. */
  CANCELLED(1),
  /** The deadline passed before the work ended; a running launch was stopped. */
  DEADLINE_EXCEEDED(2),
  /** An argument has the wrong kind, count or type. */
  INVALID_ARGUMENT(3),
  /** A range lies outside the window, overlaps another one or is misaligned. */
  OUT_OF_RANGE(4),
  /** No such function, version or function number. */
  UNKNOWN_FUNCTION(5),
  /** The module holds code that the device cannot run, or the manifest disagrees with it. */
  UNSUPPORTED_CODE(6),
  /** The package holds no code for the device's architecture. */
  NO_BINARY_FOR_DEVICE(7),
  /** Grid, block or shared memory beyond the device's limits. */
  INVALID_LAUNCH(8),
  /** A kernel touched memory that its launch does not hold. */
  ILLEGAL_ADDRESS(9),
  /** A kernel's access was not aligned to its size. */
  MISALIGNED_ADDRESS(10),
  /** Any other fault that ended the launch. */
  DEVICE_FAULT(11),
  /** A limit or quota is used up: memory, slots, workers. */
  RESOURCE_EXHAUSTED(12),
  /** No credential, or a token that does not verify. */
  UNAUTHENTICATED(13),
  /** The credential does not allow this. */
  PERMISSION_DENIED(14),
  LEASE_EXPIRED(15),
  LEASE_REVOKED(16),
  LEASE_RELEASED(17),
  /** The worker process is gone. */
  WORKER_LOST(18),
  /** The data connection broke. */
  LINK_BROKEN(19),
  /** The peer sent something that the protocol does not allow. */
  PROTOCOL_ERROR(20),
  /** The two sides speak no common version. */
  VERSION_MISMATCH(21),
  /** The worker already has a live session. */
  ALREADY_CONNECTED(22),
  /** A defect in Farwarp itself. */
  INTERNAL(23);

  private static final Status[] BY_CODE = values();

  private final int code;

  Status(int code) {
    this.code = code;
  }

  /** The code on the wire, an unsigned 16-bit number. */
  public int code() {
    return code;
  }

  /**
   * The status with {@code code}; {@link #PROTOCOL_ERROR} for a code that this version does not
   * know.
   */
  public static Status ofCode(int code) {
    return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : PROTOCOL_ERROR;
  }
}
