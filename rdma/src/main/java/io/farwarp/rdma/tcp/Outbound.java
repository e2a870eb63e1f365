package io.farwarp.rdma.tcp;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.provider.CompletedWrites;
import io.farwarp.rdma.provider.SendQueue;
import io.farwarp.wire.PeerText;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * The sending half: turns work requests into frames. Headers, messages and small payloads gather in
 * a buffer and leave in one system call; a large payload leaves from its own memory.
 */
final class Outbound {
  private static final int BUFFER_BYTES = 64 << 10;

  /** Up to here copying a payload beside its header costs less than a system call of its own. */
  private static final int SMALL_BYTES = 8 << 10;

  /** Most bytes of one system call; larger ones bring no more throughput. */
  private static final long CHUNK_BYTES = 4L << 20;

  private final SocketChannel channel;
  private final SendQueue<TcpRegion, TcpRemoteRegion> queue =
      new SendQueue<>(Arena.ofAuto().allocate(SendQueue.SLOTS_BYTES, 64));
  private final CompletedWrites completed = new CompletedWrites();
  private final MemorySegment buffer = Arena.ofAuto().allocate(BUFFER_BYTES, 64);

  /** From position to limit: framed bytes that the socket has not taken yet. */
  private final ByteBuffer framed = buffer.asByteBuffer().limit(0);

  private @Nullable TcpRegion payload;
  private long payloadOffset;
  private long payloadLeft;
  private long payloadId;

  Outbound(SocketChannel channel) {
    this.channel = channel;
  }

  SendQueue<TcpRegion, TcpRemoteRegion> queue() {
    return queue;
  }

  CompletedWrites completed() {
    return completed;
  }

  /** Whether {@link QueuePair#MAX_WRITES_IN_FLIGHT} writes have not ended or not been told. */
  boolean isFull() {
    int underWay = payload == null ? 0 : 1;
    return queue.writes() + underWay + completed.size() >= QueuePair.MAX_WRITES_IN_FLIGHT;
  }

  boolean isIdle() {
    return payload == null && queue.isEmpty() && !framed.hasRemaining();
  }

  /**
   * Gives the socket what it takes at once, at most about {@code calls} times a chunk.
   *
   * @return whether bytes moved
   */
  boolean flush(int calls) throws IOException {
    boolean moved = false;
    for (int i = 0; i < calls; i++) {
      frame();
      if (isIdle() || !send()) {
        break;
      }
      moved = true;
    }
    return moved;
  }

  /** Frames work requests until the buffer is full or a large payload has to go first. */
  private void frame() {
    while (payload == null && !queue.isEmpty()) {
      TcpRegion source = queue.source();
      long length = queue.lengthBytes();
      boolean apart = source != null && length > SMALL_BYTES;
      long needed = Frame.HEADER_BYTES + (apart ? 0 : length);
      if (!makeRoom(needed)) {
        return;
      }
      int at = framed.limit();
      if (source == null) {
        Frame.put(buffer, at, Frame.MESSAGE, 0, 0, length);
        MemorySegment.copy(queue.message(), 0, buffer, at + Frame.HEADER_BYTES, length);
      } else {
        Frame.put(buffer, at, Frame.WRITE, queue.target().key(), queue.targetOffsetBytes(), length);
        frameWrite(source, at, length, apart);
      }
      framed.limit((int) (at + needed));
      queue.remove();
    }
  }

  private void frameWrite(TcpRegion source, int at, long length, boolean apart) {
    long offset = queue.sourceOffsetBytes();
    if (apart) {
      payload = source;
      payloadOffset = offset;
      payloadLeft = length;
      payloadId = queue.workRequestId();
    } else {
      MemorySegment.copy(source.memory(), offset, buffer, at + Frame.HEADER_BYTES, length);
      complete(queue.workRequestId());
    }
  }

  private void complete(long workRequestId) {
    if (workRequestId != QueuePair.UNSIGNALLED) {
      completed.add(workRequestId);
    }
  }

  private boolean makeRoom(long bytes) {
    if (!framed.hasRemaining()) {
      framed.position(0).limit(0);
    }
    return framed.limit() + bytes <= BUFFER_BYTES;
  }

  /** One system call. A gathering one would spare the second, but the JDK's allocates. */
  private boolean send() throws IOException {
    TcpRegion region = payload;
    if (framed.hasRemaining() || region == null) {
      return channel.write(framed) > 0;
    }
    int sent =
        channel.write(region.outbound().at(payloadOffset, Math.min(payloadLeft, CHUNK_BYTES)));
    payloadOffset += sent;
    payloadLeft -= sent;
    if (payloadLeft == 0) {
      payload = null;
      complete(payloadId);
    }
    return sent > 0;
  }

  /** Sends the last frame, unless a payload is under way or the socket does not take it at once. */
  void farewell(String reason) throws IOException {
    byte[] text = PeerText.encode(reason);
    frame();
    if (payload == null && makeRoom(Frame.HEADER_BYTES + text.length)) {
      int at = framed.limit();
      Frame.put(buffer, at, Frame.FAREWELL, 0, 0, text.length);
      MemorySegment.copy(text, 0, buffer, JAVA_BYTE, at + Frame.HEADER_BYTES, text.length);
      framed.limit(at + Frame.HEADER_BYTES + text.length);
      channel.write(framed);
    }
  }

  /** The work request id of a write that the connection's end cut off, and forgets it. */
  long takeFlushed() {
    if (payload != null) {
      payload = null;
      if (payloadId != QueuePair.UNSIGNALLED) {
        return payloadId;
      }
    }
    while (!queue.isEmpty()) {
      long id = queue.workRequestId();
      queue.remove();
      if (id != QueuePair.UNSIGNALLED) {
        return id;
      }
    }
    return QueuePair.UNSIGNALLED;
  }
}
