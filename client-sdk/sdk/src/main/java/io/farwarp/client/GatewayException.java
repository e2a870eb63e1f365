package io.farwarp.client;

import io.farwarp.wire.Status;
import org.jspecify.annotations.Nullable;

/** The gateway refused a request or could not be reached. */
public final class GatewayException extends FarwarpException {
  private static final long serialVersionUID = 1L;

  GatewayException(Status status, String message) {
    this(status, message, null);
  }

  GatewayException(Status status, String message, @Nullable Throwable cause) {
    super(status, message, cause);
  }
}
