package io.farwarp.rdma.tcp;

import io.farwarp.rdma.Admission;
import io.farwarp.rdma.Listener;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.provider.Greeting;
import io.farwarp.rdma.provider.HandshakeThreads;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Accepts on a TCP port: one acceptor thread, and a thread for each handshake under way. */
final class TcpListener implements Listener {
  /** What the connector sends once it has the grant. */
  static final byte READY = 1;

  private static final System.Logger LOG = System.getLogger(TcpListener.class.getName());
  private static final int PLACE_WAIT_MS = 100;

  private final ServerSocketChannel channel;
  private final String address;
  private final Admission admission;
  private final HandshakeThreads handshakes = new HandshakeThreads("farwarp-tcp-handshake");
  private final Set<TcpStream> opening = ConcurrentHashMap.newKeySet();
  private @Nullable Thread acceptor;
  private volatile boolean closed;

  private TcpListener(ServerSocketChannel channel, String address, Admission admission) {
    this.channel = channel;
    this.address = address;
    this.admission = admission;
  }

  static TcpListener bind(TcpAddress address, Admission admission) throws IOException {
    InetSocketAddress local = address.resolve().getFirst();
    ServerSocketChannel channel = ServerSocketChannel.open();
    try {
      channel.bind(local);
      String bound = TcpAddress.format((InetSocketAddress) channel.getLocalAddress());
      return new TcpListener(channel, bound, admission);
    } catch (IOException e) {
      channel.close();
      throw new IOException("cannot listen on " + TcpAddress.format(local), e);
    }
  }

  @Override
  public String address() {
    return address;
  }

  @Override
  public synchronized void start() {
    if (acceptor != null || closed) {
      throw new IllegalStateException("the listener was started or closed before");
    }
    Thread thread = new Thread(this::acceptUntilClosed, "farwarp-tcp-acceptor");
    thread.setDaemon(true);
    acceptor = thread;
    thread.start();
  }

  private void acceptUntilClosed() {
    try {
      while (!closed) {
        if (handshakes.takePlace(PLACE_WAIT_MS)) {
          acceptOne();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void acceptOne() throws InterruptedException {
    TcpStream stream;
    try {
      SocketChannel peer = channel.accept();
      stream = new TcpStream(peer);
    } catch (ClosedChannelException e) {
      handshakes.returnPlace();
      return;
    } catch (IOException e) {
      handshakes.returnPlace();
      LOG.log(Level.WARNING, "accept on " + address + " failed", e);
      Thread.sleep(PLACE_WAIT_MS); // Out of descriptors, most likely: not to spin on it.
      return;
    }
    handshakes.run(() -> handshake(stream));
  }

  private void handshake(TcpStream stream) {
    opening.add(stream);
    try {
      if (closed) {
        stream.cancel();
      }
      long deadlineNs = System.nanoTime() + HandshakeThreads.TIMEOUT_NS;
      Greeting greeting = new Greeting(stream, TcpTransport.NUMBER, deadlineNs);
      switch (greeting.challenge(admission)) {
        case Admission.Refused refused -> {
          greeting.sendVerdict(refused);
          stream.close();
        }
        case Admission.Admitted admitted -> establish(greeting, stream, admitted);
      }
    } catch (IOException | RuntimeException e) {
      LOG.log(Level.DEBUG, "handshake on " + address + " failed", e);
      closeQuietly(stream);
    } finally {
      opening.remove(stream);
    }
  }

  private void establish(Greeting greeting, TcpStream stream, Admission.Admitted admitted)
      throws IOException {
    QueuePair queuePair;
    try {
      TcpQueuePair established =
          TcpQueuePair.listening(stream, admitted.exposed().memory(), admitted.reply());
      greeting.sendVerdict(admitted);
      greeting.sendBytes(established.localExposed().descriptor());
      byte answer = greeting.receiveBytes(1)[0];
      if (answer != READY) {
        throw new IOException("the peer answered its grant with byte " + answer);
      }
      queuePair = established;
    } catch (IOException | RuntimeException e) {
      admission.abandoned(admitted);
      throw e;
    }
    opening.remove(stream);
    admission.connected(queuePair, admitted);
  }

  private static void closeQuietly(TcpStream stream) {
    try {
      stream.close();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "closing a connection that failed", e);
    }
  }

  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    try {
      channel.close();
      Thread accepting = acceptor;
      if (accepting != null) {
        accepting.join();
      }
      opening.forEach(TcpStream::cancel);
      handshakes.awaitEnd();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "closing the listener on " + address, e);
    }
  }
}
