package io.farwarp.rdma.verbs.disni;

/**
 * What the immediate of a write says. Below {@link io.farwarp.wire.Wire#RING_DEPTH} it is the slot
 * of the message that the write brought; each slot has {@link
 * io.farwarp.wire.Wire#MAX_MESSAGE_BYTES}.
 */
final class Immediate {
  private Immediate() {}

  /** The sender has taken {@link #CREDIT_MESSAGES} more messages, and their slots are free. */
  static final int CREDIT = 0x100;

  static final int CREDIT_MESSAGES = 32;

  /** The sender ends the connection, for the reason in the slot after the messages'. */
  static final int FAREWELL = 0x200;
}
