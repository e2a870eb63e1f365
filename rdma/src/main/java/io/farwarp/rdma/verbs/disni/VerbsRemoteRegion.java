package io.farwarp.rdma.verbs.disni;

import io.farwarp.rdma.RemoteRegion;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/** A region of the peer's, whose device checks every write against its keys. */
final class VerbsRemoteRegion implements RemoteRegion {
  private final Endpoint owner;
  private final long address;
  private final long sizeBytes;
  private final int[] keys;

  private VerbsRemoteRegion(Endpoint owner, long address, long sizeBytes, int[] keys) {
    this.owner = owner;
    this.address = address;
    this.sizeBytes = sizeBytes;
    this.keys = keys;
  }

  static VerbsRemoteRegion none(Endpoint owner) {
    return new VerbsRemoteRegion(owner, 0, 0, new int[0]);
  }

  static VerbsRemoteRegion decode(Endpoint owner, byte[] descriptor) throws IOException {
    if (descriptor.length < VerbsRegion.DESCRIPTOR_HEADER_BYTES) {
      throw new IOException("verbs region descriptor of " + descriptor.length + " bytes");
    }
    ByteBuffer in = ByteBuffer.wrap(descriptor).order(ByteOrder.LITTLE_ENDIAN);
    long address = in.getLong();
    long size = in.getLong();
    if (size < 0 || size > VerbsRegion.MAX_PIECES * VerbsRegion.PIECE_BYTES) {
      throw new IOException("verbs region of " + size + " bytes");
    }
    int[] keys = new int[VerbsRegion.pieces(size)];
    if (in.remaining() != keys.length * Integer.BYTES) {
      throw new IOException(
          "verbs region of %d bytes with %d bytes of keys; it takes %d keys of %d"
              .formatted(size, in.remaining(), keys.length, Integer.BYTES));
    }
    in.asIntBuffer().get(keys);
    return new VerbsRemoteRegion(owner, address, size, keys);
  }

  Endpoint owner() {
    return owner;
  }

  long addressOf(long offsetBytes) {
    return address + offsetBytes;
  }

  /** The key of the piece that holds the byte at an offset. */
  int key(long offsetBytes) {
    return keys[(int) (offsetBytes >>> VerbsRegion.PIECE_SHIFT)];
  }

  @Override
  public long sizeBytes() {
    return sizeBytes;
  }

  @Override
  public Optional<MemorySegment> mapped() {
    return Optional.empty();
  }
}
