package io.farwarp.rdma;

/**
 * Accepts connections on one address. A peer that is silent, slow or malformed during its handshake
 * costs itself the connection and nobody else anything.
 */
public interface Listener extends AutoCloseable {
  /** Where it listens, as {@link Transport#connect} takes it; with the real port. */
  String address();

  /** Begins to accept; once. */
  void start();

  /** Stops accepting, ends handshakes under way, removes what it bound. Connections live on. */
  @Override
  void close();
}
