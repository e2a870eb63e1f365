package io.farwarp.client;

import io.farwarp.wire.Status;
import org.jspecify.annotations.Nullable;

/** A tensor cannot be made or used like this: the window is full, the tensor is closed or stale. */
public final class TensorException extends FarwarpException {
  private static final long serialVersionUID = 1L;

  TensorException(Status status, String message) {
    this(status, message, null);
  }

  TensorException(Status status, String message, @Nullable Throwable cause) {
    super(status, message, cause);
  }
}
