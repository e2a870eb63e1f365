package io.farwarp.rdma;

/**
 * Decides who may connect to a listener. Called on the listener's threads, several at a time; the
 * listener limits how many handshakes run at once and how long each may take.
 */
public interface Admission {
  /** A fresh challenge for one connection. */
  byte[] challenge();

  /**
   * Judges the answer to {@code challenge}. Must not throw for any content of {@code answer}.
   *
   * @param proven run as soon as the peer has proven itself, before anything that makes it wait:
   *     from then on it loses its place among the handshakes to nobody
   */
  Verdict admit(byte[] challenge, byte[] answer, Runnable proven);

  /** The established connection of an admitted peer; the receiver owns it and closes it. */
  void connected(QueuePair queuePair, Admitted admitted);

  /**
   * An admitted connection broke before it was established: what {@link Admitted} holds is free
   * again.
   */
  void abandoned(Admitted admitted);

  /** The judgement on one connection. */
  sealed interface Verdict permits Admitted, Refused {}

  /**
   * The peer may connect.
   *
   * @param reply sent to the peer
   * @param exposed memory that the peer may write to and that this side may write from
   */
  record Admitted(byte[] reply, ExposedMemory exposed) implements Verdict {}

  /** The peer is sent {@code reply}, then the connection is closed. */
  record Refused(byte[] reply) implements Verdict {}
}
