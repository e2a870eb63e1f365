package io.farwarp.client;

import io.farwarp.wire.Status;
import org.jspecify.annotations.Nullable;

/** The session has ended, and with it what it held: its worker, its link or its lease is gone. */
public final class SessionLostException extends FarwarpException {
  private static final long serialVersionUID = 1L;

  SessionLostException(Status status, String message) {
    this(status, message, null);
  }

  SessionLostException(Status status, String message, @Nullable Throwable cause) {
    super(status, message, cause);
  }
}
