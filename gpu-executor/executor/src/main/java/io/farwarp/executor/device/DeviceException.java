package io.farwarp.executor.device;

import io.farwarp.wire.Status;

/** A device or a function that cannot be used, with the reason for people. */
public final class DeviceException extends Exception {
  private static final long serialVersionUID = 1L;

  private final Status status;

  public DeviceException(Status status, String message) {
    super(message);
    this.status = status;
  }

  public DeviceException(Status status, String message, Throwable cause) {
    super(message, cause);
    this.status = status;
  }

  public Status status() {
    return status;
  }
}
