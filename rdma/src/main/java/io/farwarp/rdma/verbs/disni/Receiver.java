package io.farwarp.rdma.verbs.disni;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import com.ibm.disni.verbs.IbvWC;
import io.farwarp.wire.PeerText;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The receiving half: what a write with immediate of the peer's means. */
final class Receiver {
  /** {@link #take} answers a message's length, or one of these. */
  static final int CREDIT = 0;

  static final int FAREWELL = -1;
  static final int BROKEN = -2;

  private final VerbsRegion ring;
  private final Receives receives;
  private final MemorySegment message = Arena.ofAuto().allocate(Wire.MAX_MESSAGE_BYTES, 64);
  private int expected;
  private int takenSinceCredit;
  private String reason = "";

  Receiver(VerbsRegion ring, Receives receives) {
    this.ring = ring;
    this.receives = receives;
  }

  /** The last message's bytes, which the peer cannot change any more. */
  MemorySegment message() {
    return message;
  }

  /** Of a farewell, what it said, which may be nothing; of a broken protocol, how. */
  String reason() {
    return reason;
  }

  /** Whether so many messages were taken that a credit is due; asking makes it be given. */
  boolean takeDueCredit() {
    if (takenSinceCredit < Immediate.CREDIT_MESSAGES) {
      return false;
    }
    takenSinceCredit -= Immediate.CREDIT_MESSAGES;
    return true;
  }

  /** Uses up a completion of a receive that has succeeded. */
  int take(IbvWC completion) throws IOException {
    receives.taken();
    if (completion.getOpcode() != IbvWC.IbvWcOpcode.IBV_WC_RECV_RDMA_WITH_IMM.getOpcode()) {
      return broken("a SEND after the opening");
    }
    int immediate = PreparedSend.networkOrder(completion.getImm_data());
    int length = completion.getByte_len();
    if (immediate == Immediate.CREDIT) {
      return CREDIT;
    }
    if (immediate == Immediate.FAREWELL) {
      return farewell(length);
    }
    if (immediate != expected) {
      return broken("immediate %#x where slot %d was next".formatted(immediate, expected));
    }
    if (length < 1 || length > Wire.MAX_MESSAGE_BYTES) {
      return broken(
          "a message of %d bytes; the limit is %d".formatted(length, Wire.MAX_MESSAGE_BYTES));
    }
    MemorySegment.copy(ring.memory(), MessageRing.offset(expected), message, 0, length);
    expected = (expected + 1) & (Wire.RING_DEPTH - 1);
    takenSinceCredit++;
    return length;
  }

  private int farewell(int length) {
    if (length < 0 || length > Wire.MAX_DETAIL_BYTES) {
      return broken("a farewell of " + length + " bytes; the limit is " + Wire.MAX_DETAIL_BYTES);
    }
    long offset = MessageRing.offset(MessageRing.FAREWELL_SLOT);
    reason = PeerText.decode(ring.memory().asSlice(offset, length).toArray(JAVA_BYTE));
    return FAREWELL;
  }

  private int broken(String how) {
    reason = how;
    return BROKEN;
  }

  /** After the queue pair. */
  void free() {
    receives.free();
  }
}
