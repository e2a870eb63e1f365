package io.farwarp.rdma.tcp;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.farwarp.rdma.CompletionHandler;
import io.farwarp.wire.PeerText;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * The receiving half. Headers and messages, and the beginning of a payload that came with them, go
 * through a small buffer; the rest of a payload is read straight into its region.
 */
final class Inbound {
  private static final int BUFFER_BYTES = 16 << 10;
  private static final long CHUNK_BYTES = 4L << 20;

  private final SocketChannel channel;
  private final RegionTable regions;
  private final MemorySegment buffer = Arena.ofAuto().allocate(BUFFER_BYTES, 64);
  private final ByteBuffer bytes = buffer.asByteBuffer();

  /** The received and not yet used bytes of the buffer. */
  private int from;

  private int to;

  private @Nullable TcpRegion payload;
  private long payloadOffset;
  private long payloadLeft;
  private boolean frameWaits;
  private @Nullable String end;
  private boolean broken;

  Inbound(SocketChannel channel, RegionTable regions) {
    this.channel = channel;
    this.regions = regions;
  }

  /** Why nothing more will arrive; null while something may. */
  @Nullable String end() {
    return end;
  }

  /** Whether it ended because the peer sent what it must not. */
  boolean brokenByPeer() {
    return broken;
  }

  /** Whether a whole frame may be in the buffer that no poll has looked at. */
  boolean frameWaits() {
    return frameWaits;
  }

  /** Hands over messages that have arrived whole, at most {@code limit}. */
  int deliver(CompletionHandler handler, int limit) {
    int events = 0;
    frameWaits = false;
    while (end == null) {
      if (payload != null) {
        if (!copyPayload()) {
          break;
        }
      } else {
        int length = nextFrame(events < limit);
        if (length == 0) {
          break;
        }
        if (length > 0) {
          events++;
          handler.message(buffer, from - (long) length, length);
        }
      }
    }
    return events;
  }

  /** Moves buffered bytes into the region; false when more must be received first. */
  private boolean copyPayload() {
    long length = Math.min(to - from, payloadLeft);
    TcpRegion region = openPayload();
    if (region == null) {
      return false;
    }
    MemorySegment.copy(buffer, from, region.memory(), payloadOffset, length);
    from += (int) length;
    advancePayload(length);
    return payloadLeft == 0;
  }

  private @Nullable TcpRegion openPayload() {
    TcpRegion region = payload;
    if (region == null || region.isClosed()) {
      end = "the peer wrote to a region that was closed meanwhile";
      return null;
    }
    return region;
  }

  private void advancePayload(long length) {
    payloadOffset += length;
    payloadLeft -= length;
    if (payloadLeft == 0) {
      payload = null;
    }
  }

  /**
   * Uses up the next frame, or its header if it is a write.
   *
   * @return a message's length; 0 if no frame can be used; negative if one was, but no message
   */
  private int nextFrame(boolean mayDeliver) {
    if (to - from < Frame.HEADER_BYTES) {
      return 0;
    }
    long key = Frame.key(buffer, from);
    long offset = Frame.offsetBytes(buffer, from);
    long length = Frame.lengthBytes(buffer, from);
    return switch (Frame.type(buffer, from)) {
      case Frame.MESSAGE -> message(length, mayDeliver);
      case Frame.WRITE -> write(key, offset, length);
      case Frame.FAREWELL -> farewell(length);
      default -> broken("a frame of type " + Integer.toUnsignedString(Frame.type(buffer, from)));
    };
  }

  private int message(long length, boolean mayDeliver) {
    if (length < 1 || length > Wire.MAX_MESSAGE_BYTES) {
      return broken("a message of " + length + " bytes; the limit is " + Wire.MAX_MESSAGE_BYTES);
    }
    if (to - from < Frame.HEADER_BYTES + length) {
      return 0;
    }
    if (!mayDeliver) {
      frameWaits = true;
      return 0;
    }
    from += (int) (Frame.HEADER_BYTES + length);
    return (int) length;
  }

  private int write(long key, long offset, long length) {
    TcpRegion region = regions.find(key);
    if (region == null) {
      return broken("a write to a region that does not exist or was closed");
    }
    long size = region.memory().byteSize();
    if (offset < 0 || length < 0 || length > size || offset > size - length) {
      return broken(
          "a write of %d bytes at %d into a region of %d".formatted(length, offset, size));
    }
    from += Frame.HEADER_BYTES;
    if (length > 0) {
      payload = region;
      payloadOffset = offset;
      payloadLeft = length;
    }
    return -1;
  }

  private int farewell(long length) {
    if (length < 0 || length > Wire.MAX_DETAIL_BYTES) {
      return broken("a farewell of " + length + " bytes; the limit is " + Wire.MAX_DETAIL_BYTES);
    }
    if (to - from < Frame.HEADER_BYTES + length) {
      return 0;
    }
    byte[] text = buffer.asSlice(from + Frame.HEADER_BYTES, length).toArray(JAVA_BYTE);
    String reason = PeerText.decode(text);
    end =
        reason.isEmpty()
            ? "the peer closed the connection"
            : "the peer ended the connection: " + reason;
    return 0;
  }

  private int broken(String what) {
    broken = true;
    end = "the peer broke the protocol: " + what;
    return 0;
  }

  /**
   * One system call's worth of bytes.
   *
   * @return how many came; 0 if none are there
   */
  int receive() throws IOException {
    int received;
    if (payload != null) {
      TcpRegion region = openPayload();
      if (region == null) {
        return 0;
      }
      received =
          channel.read(region.inbound().at(payloadOffset, Math.min(payloadLeft, CHUNK_BYTES)));
      if (received > 0) {
        advancePayload(received);
      }
    } else {
      if (from == to) {
        from = 0;
        to = 0;
      } else if (BUFFER_BYTES - from < Frame.HEADER_BYTES + Wire.MAX_MESSAGE_BYTES) {
        MemorySegment.copy(buffer, from, buffer, 0, to - from);
        to -= from;
        from = 0;
      }
      received = channel.read(bytes.limit(BUFFER_BYTES).position(to));
      to += Math.max(received, 0);
    }
    if (received < 0) {
      end = "the peer ended without a farewell";
      return 0;
    }
    return received;
  }
}
