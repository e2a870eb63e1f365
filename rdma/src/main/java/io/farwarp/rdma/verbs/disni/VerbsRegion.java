package io.farwarp.rdma.verbs.disni;

import com.ibm.disni.verbs.IbvMr;
import com.ibm.disni.verbs.IbvPd;
import io.farwarp.rdma.MemoryRegion;
import io.farwarp.rdma.QueuePair;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Memory of this side, registered in pieces of {@link #PIECE_BYTES}, which is what DiSNI can name
 * the length of. Descriptor: address i64, size i64, then the key u32 of each piece.
 */
final class VerbsRegion implements MemoryRegion {
  static final int PIECE_SHIFT = 30;
  static final long PIECE_BYTES = 1L << PIECE_SHIFT;
  static final int DESCRIPTOR_HEADER_BYTES = 16;

  /** As many keys as a descriptor has room for. */
  static final int MAX_PIECES =
      (QueuePair.MAX_DESCRIPTOR_BYTES - DESCRIPTOR_HEADER_BYTES) / Integer.BYTES;

  private final Endpoint owner;
  private final MemorySegment memory;
  private final IbvMr[] pieces;
  private boolean closed;

  private VerbsRegion(Endpoint owner, MemorySegment memory, IbvMr[] pieces) {
    this.owner = owner;
    this.memory = memory;
    this.pieces = pieces;
  }

  /**
   * @param access IBV_ACCESS_… bits; 0: only a source of this side's writes
   */
  static VerbsRegion register(Endpoint owner, IbvPd domain, MemorySegment memory, int access)
      throws IOException {
    long size = memory.byteSize();
    int count = pieces(size);
    if (count > MAX_PIECES) {
      throw new IOException(
          "a verbs region of %d bytes; it takes at most %d"
              .formatted(size, MAX_PIECES * PIECE_BYTES));
    }
    IbvMr[] pieces = new IbvMr[count];
    try (Cleanup cleanup = new Cleanup()) {
      for (int i = 0; i < count; i++) {
        long start = i * PIECE_BYTES;
        IbvMr piece =
            registerPiece(
                domain,
                memory.address() + start,
                (int) Math.min(PIECE_BYTES, size - start),
                access);
        cleanup.closing(() -> deregister(piece));
        pieces[i] = piece;
      }
      cleanup.keep();
    }
    return new VerbsRegion(owner, memory, pieces);
  }

  private static IbvMr registerPiece(IbvPd domain, long address, int length, int access)
      throws IOException {
    var call = domain.regMr(address, length, access);
    try {
      return call.execute().getMr();
    } catch (IOException e) {
      throw new IOException(
          "cannot register %d bytes for RDMA; does the limit on locked memory (ulimit -l) allow them?"
              .formatted(length),
          e);
    } finally {
      call.free();
    }
  }

  private static void deregister(IbvMr piece) throws IOException {
    piece.deregMr().execute();
  }

  static int pieces(long sizeBytes) {
    return Math.toIntExact(Math.ceilDiv(sizeBytes, PIECE_BYTES));
  }

  Endpoint owner() {
    return owner;
  }

  /** The local key of the piece that holds the byte at an offset. */
  int localKey(long offsetBytes) {
    return pieces[(int) (offsetBytes >>> PIECE_SHIFT)].getLkey();
  }

  /** The remote key of a region of one piece. */
  int remoteKey() {
    return pieces[0].getRkey();
  }

  @Override
  public MemorySegment memory() {
    return memory;
  }

  @Override
  public byte[] descriptor() {
    ByteBuffer out =
        ByteBuffer.allocate(DESCRIPTOR_HEADER_BYTES + pieces.length * Integer.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(memory.address())
            .putLong(memory.byteSize());
    for (IbvMr piece : pieces) {
      out.putInt(piece.getRkey());
    }
    return out.array();
  }

  /** Its keys are good for nothing from now on. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    owner.forget(this);
    try (Cleanup cleanup = new Cleanup()) {
      for (IbvMr piece : pieces) {
        cleanup.closing(() -> deregister(piece));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("a memory region is still registered", e);
    }
  }
}
