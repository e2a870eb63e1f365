package io.farwarp.cli.run;

/** A {@code .npy} file that cannot be read; the message goes after the file's name. */
final class NpyException extends Exception {
  private static final long serialVersionUID = 1L;

  NpyException(String message) {
    super(message);
  }

  NpyException(String message, Throwable cause) {
    super(message, cause);
  }
}
