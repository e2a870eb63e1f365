package io.farwarp.client;

import io.farwarp.wire.Status;
import org.jspecify.annotations.Nullable;

/** A call's arguments do not fit the function's parameters; nothing was sent. */
public final class ArgumentException extends FarwarpException {
  private static final long serialVersionUID = 1L;

  ArgumentException(Status status, String message) {
    this(status, message, null);
  }

  ArgumentException(Status status, String message, @Nullable Throwable cause) {
    super(status, message, cause);
  }
}
