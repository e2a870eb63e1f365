package io.farwarp.client;

import io.farwarp.wire.Status;
import org.jspecify.annotations.Nullable;

/** A session could not be opened: no data path, or the worker refused it. */
public final class SessionException extends FarwarpException {
  private static final long serialVersionUID = 1L;

  SessionException(Status status, String message) {
    this(status, message, null);
  }

  SessionException(Status status, String message, @Nullable Throwable cause) {
    super(status, message, cause);
  }
}
