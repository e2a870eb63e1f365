package io.farwarp.rdma.shm;

import io.farwarp.rdma.linux.Cancellation;
import io.farwarp.rdma.linux.UnixSocket;
import io.farwarp.rdma.provider.ConnectStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A Unix socket while its connection is opened. */
final class UnixStream implements ConnectStream {
  private static final long NANOS_PER_MILLI = 1_000_000L;

  private final UnixSocket socket;
  private final @Nullable Cancellation cancel;

  /**
   * @param cancel ends every wait; null on the connecting side
   */
  UnixStream(UnixSocket socket, @Nullable Cancellation cancel) {
    this.socket = socket;
    this.cancel = cancel;
  }

  @Override
  public void write(MemorySegment bytes, long deadlineNs) throws IOException {
    write(bytes, deadlineNs, new int[0]);
  }

  /** Writes, the descriptors going along with the first byte. */
  void write(MemorySegment bytes, long deadlineNs, int... descriptors) throws IOException {
    long sent = 0;
    while (sent < bytes.byteSize()) {
      int now = sent == 0 ? socket.send(bytes, descriptors) : socket.send(bytes.asSlice(sent));
      if (now == 0) {
        await(UnixSocket.POLLOUT, deadlineNs);
      }
      sent += now;
    }
  }

  @Override
  public void read(MemorySegment bytes, long deadlineNs) throws IOException {
    int[] surplus = readWithDescriptors(bytes, deadlineNs);
    if (surplus.length > 0) {
      UnixSocket.closeAll(surplus);
      throw new IOException("the peer sent descriptors where none belong");
    }
  }

  /** Reads, and returns the descriptors that came along; the caller owns them. */
  int[] readWithDescriptors(MemorySegment bytes, long deadlineNs) throws IOException {
    int[] descriptors = new int[0];
    long received = 0;
    try {
      while (received < bytes.byteSize()) {
        UnixSocket.Received now = socket.receive(bytes.asSlice(received));
        int known = descriptors.length;
        descriptors = Arrays.copyOf(descriptors, known + now.descriptors().length);
        System.arraycopy(now.descriptors(), 0, descriptors, known, now.descriptors().length);
        if (now.bytes() < 0) {
          throw new IOException("the peer closed the connection during the handshake");
        }
        if (now.bytes() == 0) {
          await(UnixSocket.POLLIN, deadlineNs);
        }
        received += now.bytes();
      }
      return descriptors;
    } catch (IOException e) {
      UnixSocket.closeAll(descriptors);
      throw e;
    }
  }

  private void await(short events, long deadlineNs) throws IOException {
    long leftNs = deadlineNs - System.nanoTime();
    if (leftNs <= 0) {
      throw new IOException("the peer was silent until the handshake's time was over");
    }
    long leftMs = Math.min(leftNs / NANOS_PER_MILLI + 1, Integer.MAX_VALUE);
    if (socket.awaitReady(events, cancel, (int) leftMs) < 0) {
      throw new IOException("the listener was closed during the handshake");
    }
  }
}
