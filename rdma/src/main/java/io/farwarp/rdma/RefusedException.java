package io.farwarp.rdma;

import java.io.IOException;

/** The listener refused the connection; {@link #reply} is the blob that says why. */
public final class RefusedException extends IOException {
  private static final long serialVersionUID = 1L;

  private final byte[] reply;

  public RefusedException(byte[] reply) {
    super("the peer refused the connection");
    this.reply = reply.clone();
  }

  public byte[] reply() {
    return reply.clone();
  }
}
