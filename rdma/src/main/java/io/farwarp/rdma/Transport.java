package io.farwarp.rdma;

import java.io.IOException;
import java.util.Optional;

/**
 * One way to move bytes between two processes: {@code shm}, {@code tcp}, {@code verbs}. Stateless
 * and safe for use from any thread; found by {@link java.util.ServiceLoader}.
 *
 * <p>Opening a connection exchanges three blobs that the transport carries but does not read, at
 * most {@link io.farwarp.wire.Wire#MAX_HANDSHAKE_BYTES} each: the listener's challenge, the
 * connector's answer, the listener's reply. No memory is shared and no key is told before the
 * listener's {@link Admission} has admitted the answer.
 */
public interface Transport {
  String name();

  /**
   * True where both sides' window is the same pages: nothing moves, {@link RemoteRegion#mapped} of
   * the exposed memory is present, and both processes must be on one host.
   */
  boolean sharesWindow();

  /** Why this host cannot use the transport, in one line with the remedy; empty if it can. */
  Optional<String> unavailable();

  /**
   * A listener bound to {@code address}, not yet accepting.
   *
   * @param address shm: path of a Unix socket to create; tcp, verbs: {@code host:port}, port 0 for
   *     any
   */
  Listener listen(String address, Admission admission) throws IOException;

  /**
   * Connects, and returns when the peer has admitted this side.
   *
   * @param timeoutNs limit for the whole of it, handshake included
   * @throws RefusedException the peer answered with a refusal, which it holds
   * @throws IOException no connection, a malformed peer, or the time-out
   */
  QueuePair connect(String address, Introduction introduction, long timeoutNs) throws IOException;
}
