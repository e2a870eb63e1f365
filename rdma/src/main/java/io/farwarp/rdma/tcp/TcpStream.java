package io.farwarp.rdma.tcp;

import io.farwarp.rdma.provider.ConnectStream;
import io.farwarp.rdma.provider.HostPort;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * A TCP socket while its connection is opened, and the selector that stays with it afterwards. One
 * thread, but for {@link #cancel}.
 */
final class TcpStream implements ConnectStream, AutoCloseable {
  private static final long NANOS_PER_MILLI = 1_000_000L;

  private final SocketChannel channel;
  private final Selector selector;
  private final SelectionKey key;
  private volatile @Nullable String cancelled;

  /** Owns the channel, also when it throws. */
  TcpStream(SocketChannel channel) throws IOException {
    this.channel = channel;
    Selector opened = null;
    try {
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
      opened = Selector.open();
      key = channel.register(opened, 0);
    } catch (IOException e) {
      channel.close();
      if (opened != null) {
        opened.close();
      }
      throw e;
    }
    this.selector = opened;
  }

  static TcpStream connect(InetSocketAddress address, long deadlineNs) throws IOException {
    TcpStream stream = new TcpStream(SocketChannel.open());
    try {
      if (!stream.channel.connect(address)) {
        do {
          stream.await(SelectionKey.OP_CONNECT, deadlineNs);
        } while (!stream.channel.finishConnect());
      }
      return stream;
    } catch (IOException e) {
      stream.close();
      throw new IOException("cannot connect to " + HostPort.format(address), e);
    }
  }

  SocketChannel channel() {
    return channel;
  }

  Selector selector() {
    return selector;
  }

  SelectionKey key() {
    return key;
  }

  @Override
  public void write(MemorySegment bytes, long deadlineNs) throws IOException {
    ByteBuffer left = bytes.asByteBuffer();
    while (left.hasRemaining()) {
      if (channel.write(left) == 0) {
        await(SelectionKey.OP_WRITE, deadlineNs);
      }
    }
  }

  @Override
  public void read(MemorySegment bytes, long deadlineNs) throws IOException {
    ByteBuffer left = bytes.asByteBuffer();
    while (left.hasRemaining()) {
      int received = channel.read(left);
      if (received < 0) {
        throw new IOException("the peer closed the connection during the handshake");
      }
      if (received == 0) {
        await(SelectionKey.OP_READ, deadlineNs);
      }
    }
  }

  private void await(int operation, long deadlineNs) throws IOException {
    long leftNs = deadlineNs - System.nanoTime();
    if (leftNs <= 0) {
      throw new IOException("the peer was silent until the handshake's time was over");
    }
    key.interestOps(operation);
    selector.select(ready -> {}, leftNs / NANOS_PER_MILLI + 1);
    String why = cancelled;
    if (why != null) {
      throw new IOException(why);
    }
  }

  /** Ends the handshake; any thread. */
  void cancel(String why) {
    cancelled = why;
    selector.wakeup();
  }

  @Override
  public void close() throws IOException {
    channel.close();
    selector.close();
  }
}
