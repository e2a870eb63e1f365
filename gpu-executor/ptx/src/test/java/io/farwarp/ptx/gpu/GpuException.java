package io.farwarp.ptx.gpu;

/** What the driver did not do, with the name of its error. */
public final class GpuException extends RuntimeException {
  GpuException(String message) {
    super(message);
  }
}
