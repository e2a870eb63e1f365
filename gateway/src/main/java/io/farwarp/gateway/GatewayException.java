package io.farwarp.gateway;

import java.io.Serial;

/** A gateway cannot start or stop; the message is one line that says what to do. */
public final class GatewayException extends Exception {
  @Serial private static final long serialVersionUID = 1;

  public GatewayException(String message) {
    super(message);
  }

  public GatewayException(String message, Throwable cause) {
    super(message, cause);
  }
}
