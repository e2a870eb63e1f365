package io.farwarp.client;

import io.farwarp.wire.Status;
import org.jspecify.annotations.Nullable;

/** A lease was not granted, could not be renewed, or has ended. */
public final class LeaseException extends FarwarpException {
  private static final long serialVersionUID = 1L;

  LeaseException(Status status, String message) {
    this(status, message, null);
  }

  LeaseException(Status status, String message, @Nullable Throwable cause) {
    super(status, message, cause);
  }
}
