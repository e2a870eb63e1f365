package io.farwarp.cli.bench;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * Baseline: {@code bytes} there and the same back over loopback TCP, busy non-blocking NIO on both
 * sides.
 */
final class NioRoundTrip implements RoundTrip {
  private final PeerProcess peer;
  private final SocketChannel channel;
  private final ByteBuffer buffer;

  NioRoundTrip(int bytes) throws IOException {
    peer = new PeerProcess("nio", Integer.toString(bytes));
    int port = Integer.parseInt(peer.line());
    channel = SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    channel.configureBlocking(false);
    buffer = ByteBuffer.allocateDirect(bytes);
  }

  @Override
  public void resume() throws IOException {
    peer.run();
  }

  @Override
  public void once() throws IOException {
    exchange((byte) 0);
  }

  @Override
  public void pause() throws IOException {
    exchange(BaselinePeer.LAST);
  }

  private void exchange(byte first) throws IOException {
    buffer.clear().put(0, first);
    writeFully(channel, buffer);
    readFully(channel, buffer.clear());
  }

  static void readFully(SocketChannel channel, ByteBuffer into) throws IOException {
    while (into.hasRemaining()) {
      int read = channel.read(into);
      if (read < 0) {
        throw new EOFException("the baseline's peer closed the connection");
      }
      if (read == 0) {
        Thread.onSpinWait();
      }
    }
  }

  static void writeFully(SocketChannel channel, ByteBuffer from) throws IOException {
    while (from.hasRemaining()) {
      if (channel.write(from) == 0) {
        Thread.onSpinWait();
      }
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
    peer.close();
  }
}
