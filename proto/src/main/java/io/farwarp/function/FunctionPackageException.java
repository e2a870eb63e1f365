package io.farwarp.function;

/** A function package or its manifest is not valid; the message says what is wrong and where. */
public final class FunctionPackageException extends Exception {
  private static final long serialVersionUID = 1L;

  public FunctionPackageException(String message) {
    super(message);
  }

  public FunctionPackageException(String message, Throwable cause) {
    super(message, cause);
  }
}
