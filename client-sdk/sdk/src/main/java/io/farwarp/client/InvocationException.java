package io.farwarp.client;

import io.farwarp.wire.Status;
import org.jspecify.annotations.Nullable;

/**
 * An invocation, push or pull ended with a status other than OK; the message holds the kernel's
 * fault.
 */
public final class InvocationException extends FarwarpException {
  private static final long serialVersionUID = 1L;

  InvocationException(Status status, String message) {
    this(status, message, null);
  }

  InvocationException(Status status, String message, @Nullable Throwable cause) {
    super(status, message, cause);
  }
}
