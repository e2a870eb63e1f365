package io.farwarp.client;

import io.farwarp.wire.Status;
import org.jspecify.annotations.Nullable;

/** Whatever went wrong in Farwarp, with its status; the message says what, where and what to do. */
public abstract sealed class FarwarpException extends RuntimeException
    permits GatewayException,
        LeaseException,
        SessionException,
        SessionLostException,
        InvocationException,
        ArgumentException,
        TensorException {
  private static final long serialVersionUID = 1L;

  private final Status status;

  FarwarpException(Status status, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.status = status;
  }

  public Status status() {
    return status;
  }
}
