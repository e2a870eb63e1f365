package io.farwarp.rdma.shm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.farwarp.rdma.linux.UnixSocket;
import io.farwarp.wire.PeerText;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The Unix socket of an established connection: silent until one side ends. A side that ends in
 * order sends one byte of zero and, if it has one, the reason in UTF-8; a killed one just leaves.
 */
final class PeerLink implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(PeerLink.class.getName());
  private static final byte FAREWELL = 0;

  private final UnixSocket socket;
  private final String peer;

  PeerLink(UnixSocket socket) {
    this.socket = socket;
    this.peer = name(socket);
  }

  private static String name(UnixSocket socket) {
    try {
      return "process " + socket.peerCredentials().pid();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "the kernel does not name the peer", e);
      return "the peer";
    }
  }

  /** Says farewell, as far as the socket takes it at once. */
  void tell(String reason) {
    byte[] text = PeerText.encode(reason);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment farewell = arena.allocate(1L + text.length);
      farewell.set(JAVA_BYTE, 0, FAREWELL);
      MemorySegment.copy(text, 0, farewell, JAVA_BYTE, 1, text.length);
      socket.send(farewell);
    } catch (IOException e) {
      LOG.log(Level.DEBUG, peer + " left first", e);
    }
  }

  /** Waits at most {@code timeoutMs} for the peer to end or to say something; true if it did. */
  boolean awaitStir(int timeoutMs) throws IOException {
    return socket.awaitReady(UnixSocket.POLLIN, null, timeoutMs) != 0;
  }

  /** Ends every {@link #awaitStir}; the peer sees the end. */
  void shutdown() {
    try {
      socket.shutdown();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, peer + " left first", e);
    }
  }

  /** Why the peer is gone; null while it is there. */
  @Nullable String endOfPeer() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment farewell = arena.allocate(1L + Wire.MAX_DETAIL_BYTES);
      UnixSocket.Received received = socket.receive(farewell);
      UnixSocket.closeAll(received.descriptors());
      if (received.bytes() < 0) {
        return peer + " ended without a farewell";
      }
      if (received.bytes() == 0) {
        return null;
      }
      if (farewell.get(JAVA_BYTE, 0) != FAREWELL) {
        return peer + " broke the protocol: it sent bytes over the Unix socket";
      }
      String reason =
          PeerText.decode(farewell.asSlice(1, received.bytes() - 1L).toArray(JAVA_BYTE));
      return reason.isEmpty()
          ? peer + " closed the connection"
          : peer + " ended the connection: " + reason;
    } catch (IOException e) {
      return peer + " is gone: " + e.getMessage();
    }
  }

  @Override
  public void close() {
    socket.close();
  }

  @Override
  public String toString() {
    return peer;
  }
}
