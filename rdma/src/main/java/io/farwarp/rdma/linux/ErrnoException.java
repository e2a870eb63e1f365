package io.farwarp.rdma.linux;

import java.io.IOException;

/** A C library call that returned -1: which one, and errno with its text. */
public final class ErrnoException extends IOException {
  private static final long serialVersionUID = 1L;

  public static final int EINTR = 4;
  public static final int EAGAIN = 11;
  public static final int EINVAL = 22;
  public static final int EADDRINUSE = 98;
  public static final int ECONNREFUSED = 111;

  private final int errno;

  ErrnoException(String call, int errno, String text) {
    super("%s: %s (errno %d)".formatted(call, text, errno));
    this.errno = errno;
  }

  public int errno() {
    return errno;
  }
}
