package io.farwarp.rdma.verbs.disni;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import com.ibm.disni.verbs.IbvSendWR;
import com.ibm.disni.verbs.IbvWC;
import io.farwarp.rdma.provider.ConnectStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The bytes of a connection's opening, carried in SENDs of at most {@link #CHUNK_BYTES}. Neither
 * side sends more than {@link #CHUNKS} of them, for which the other has receives posted before it
 * can be reached, so nothing has to be agreed on meanwhile. Cancelling the endpoint's id ends it,
 * once somebody wakes who waits for the completions.
 */
final class OpeningStream implements ConnectStream {
  static final int CHUNKS = 32;
  static final int CHUNK_BYTES = 1024;

  private final Endpoint endpoint;
  private final VerbsRegion outgoing;
  private final VerbsRegion incoming;
  private final Receives receives;
  private final PreparedSend send;
  private final int[] lengths = new int[CHUNKS];
  private int received;
  private int reading;
  private int readBytes;
  private long sent;
  private long acknowledged;

  /** Before the endpoint is connected. */
  OpeningStream(Endpoint endpoint) throws IOException {
    this.endpoint = endpoint;
    Arena arena = Arena.ofAuto();
    long bytes = (long) CHUNKS * CHUNK_BYTES;
    this.outgoing = endpoint.register(arena.allocate(bytes, 64), Endpoint.SOURCE_ONLY);
    this.incoming = endpoint.register(arena.allocate(bytes, 64), Endpoint.LOCAL_WRITE);
    this.receives = Receives.post(endpoint.queuePair(), incoming, CHUNKS);
    this.send = PreparedSend.send(endpoint.queuePair());
  }

  /** Those that are left of the opening serve the connection. */
  Receives receives() {
    return receives;
  }

  /** Work requests posted so far; their ids count from 1. */
  long sent() {
    return sent;
  }

  /** How many of these have ended. */
  long acknowledged() {
    return acknowledged;
  }

  @Override
  public void write(MemorySegment bytes, long deadlineNs) throws IOException {
    for (long done = 0; done < bytes.byteSize(); ) {
      if (sent == CHUNKS) {
        throw new IOException("an opening of more than " + CHUNKS + " messages");
      }
      int length = (int) Math.min(CHUNK_BYTES, bytes.byteSize() - done);
      long at = sent * CHUNK_BYTES;
      MemorySegment.copy(bytes, done, outgoing.memory(), at, length);
      send.from(outgoing.memory().address() + at, length, outgoing.localKey(at))
          .post(sent + 1, IbvSendWR.IBV_SEND_SIGNALED);
      sent++;
      done += length;
    }
  }

  @Override
  public void read(MemorySegment bytes, long deadlineNs) throws IOException {
    for (long done = 0; done < bytes.byteSize(); ) {
      while (reading == received) {
        takeOne(deadlineNs);
      }
      int length = (int) Math.min(lengths[reading] - readBytes, bytes.byteSize() - done);
      long at = (long) reading * CHUNK_BYTES + readBytes;
      MemorySegment.copy(incoming.memory(), JAVA_BYTE, at, bytes, JAVA_BYTE, done, length);
      done += length;
      readBytes += length;
      if (readBytes == lengths[reading]) {
        reading++;
        readBytes = 0;
      }
    }
  }

  /** Until the peer's device has all that was written. */
  void flush(long deadlineNs) throws IOException {
    while (acknowledged < sent) {
      takeOne(deadlineNs);
    }
  }

  /** One completion, or a wait for it. */
  private void takeOne(long deadlineNs) throws IOException {
    String why = endpoint.id().cancelled();
    if (why != null) {
      throw new IOException(why);
    }
    IbvWC completion = endpoint.completions().next();
    if (completion == null) {
      long leftNs = deadlineNs - System.nanoTime();
      if (leftNs <= 0) {
        throw new IOException("the peer was silent until the handshake's time was over");
      }
      endpoint.completions().await(leftNs);
    } else if (completion.getStatus() != WorkStatus.IBV_WC_SUCCESS) {
      throw new IOException(ended(completion.getStatus()));
    } else if (completion.getWr_id() == Receives.ID) {
      take(completion);
    } else {
      acknowledged = completion.getWr_id();
    }
  }

  private static String ended(int status) {
    return status == WorkStatus.IBV_WC_WR_FLUSH_ERR
        ? "the peer ended the connection during the handshake"
        : "the connection broke during the handshake: " + WorkStatus.name(status);
  }

  private void take(IbvWC completion) throws IOException {
    if (completion.getOpcode() != IbvWC.IbvWcOpcode.IBV_WC_RECV.getOpcode()
        || completion.getByte_len() < 1) {
      throw new IOException("the peer broke the protocol: a write or an empty SEND in the opening");
    }
    lengths[received] = completion.getByte_len(); // The device takes no more than the buffers.
    received++;
    receives.taken();
  }
}
