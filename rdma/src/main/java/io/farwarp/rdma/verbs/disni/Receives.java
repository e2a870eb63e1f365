package io.farwarp.rdma.verbs.disni;

import com.ibm.disni.verbs.IbvQP;
import com.ibm.disni.verbs.IbvRecvWR;
import com.ibm.disni.verbs.IbvSge;
import com.ibm.disni.verbs.SVCPostRecv;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedList;
import java.util.List;

/**
 * The receives of one queue pair: first those with buffers, which take the opening, then those
 * without, each of which takes a write with immediate. There are always more than a peer that keeps
 * to its credit can use up.
 */
final class Receives {
  /** Messages, credits and a farewell that may be under way at once, and two batches beyond. */
  static final int DEPTH = 192;

  /** How many are posted again in one call. */
  static final int BATCH = 32;

  /** The work request id of every receive; those of sends are positive. */
  static final long ID = -1;

  private final SVCPostRecv batch;
  private int taken;

  private Receives(SVCPostRecv batch) {
    this.batch = batch;
  }

  /**
   * Posts all of them.
   *
   * @param opening buffers for the opening, each of the same size
   */
  static Receives post(IbvQP queuePair, VerbsRegion opening, int buffers) throws IOException {
    MemorySegment memory = opening.memory();
    int bytes = Math.toIntExact(memory.byteSize() / buffers);
    List<IbvRecvWR> first = new ArrayList<>();
    for (int i = 0; i < buffers; i++) {
      IbvSge piece = new IbvSge();
      piece.setAddr(memory.address() + (long) i * bytes);
      piece.setLength(bytes);
      piece.setLkey(opening.localKey(0));
      first.add(receive(piece));
    }
    SVCPostRecv withBuffers = queuePair.postRecv(first, List.of());
    withBuffers.execute().free();
    List<IbvRecvWR> bare = new ArrayList<>();
    for (int i = 0; i < BATCH; i++) {
      bare.add(receive());
    }
    SVCPostRecv batch = queuePair.postRecv(bare, List.of());
    for (int posted = buffers; posted + BATCH <= DEPTH; posted += BATCH) {
      batch.execute();
    }
    return new Receives(batch);
  }

  @SuppressWarnings("JdkObsolete") // the list that DiSNI takes
  private static IbvRecvWR receive(IbvSge... pieces) {
    IbvRecvWR receive = new IbvRecvWR();
    receive.setWr_id(ID);
    receive.setSg_list(new LinkedList<>(List.of(pieces)));
    return receive;
  }

  /** One was used up; a batch of those is posted again. */
  void taken() throws IOException {
    if (++taken == BATCH) {
      taken = 0;
      batch.execute();
    }
  }

  void free() {
    batch.free();
  }
}
