package io.farwarp.ptx.fatbin;

/** Bytes that are not what their format allows. */
final class DamagedException extends Exception {
  private static final long serialVersionUID = 1L;

  DamagedException(String problem) {
    super(problem);
  }

  DamagedException(String problem, Throwable cause) {
    super(problem, cause);
  }
}
