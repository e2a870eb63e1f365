package io.farwarp.rdma;

import java.io.IOException;

/** What a connecting side says for itself. */
@FunctionalInterface
public interface Introduction {
  /** The answer to the listener's challenge; an {@link IOException} gives the connection up. */
  byte[] answer(byte[] challenge) throws IOException;
}
