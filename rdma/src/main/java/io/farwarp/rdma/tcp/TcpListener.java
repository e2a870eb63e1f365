package io.farwarp.rdma.tcp;

import io.farwarp.rdma.Admission;
import io.farwarp.rdma.Listener;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.provider.Acceptor;
import io.farwarp.rdma.provider.Greeting;
import io.farwarp.rdma.provider.HostPort;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Accepts on a TCP port: one acceptor thread, and a thread for each handshake under way. */
final class TcpListener implements Listener {
  /** What the connector sends once it has the grant. */
  static final byte READY = 1;

  private static final String CLOSED = "the listener was closed during the handshake";
  private static final int BACKLOG = 256;
  private static final System.Logger LOG = System.getLogger(TcpListener.class.getName());

  private final ServerSocketChannel channel;
  private final String address;
  private final Admission admission;
  private final Acceptor acceptor = new Acceptor("farwarp-tcp-listener", this::accept);
  private final Set<TcpStream> opening = ConcurrentHashMap.newKeySet();

  private TcpListener(ServerSocketChannel channel, String address, Admission admission) {
    this.channel = channel;
    this.address = address;
    this.admission = admission;
  }

  static TcpListener bind(HostPort address, Admission admission) throws IOException {
    InetSocketAddress local = address.resolve().getFirst();
    ServerSocketChannel channel = ServerSocketChannel.open();
    try {
      channel.bind(local, BACKLOG);
      String bound = HostPort.format((InetSocketAddress) channel.getLocalAddress());
      return new TcpListener(channel, bound, admission);
    } catch (IOException e) {
      channel.close();
      throw new IOException("cannot listen on " + HostPort.format(local), e);
    }
  }

  @Override
  public String address() {
    return address;
  }

  @Override
  public void start() {
    acceptor.start();
  }

  private Acceptor.Handshake accept() throws IOException {
    SocketChannel accepted = channel.accept();
    InetAddress origin = ((InetSocketAddress) accepted.getRemoteAddress()).getAddress();
    TcpStream stream = new TcpStream(accepted);
    return new Acceptor.Handshake() {
      @Override
      public void run(Acceptor.Place place) {
        handshake(stream, place);
      }

      @Override
      public void discard() {
        closeQuietly(stream);
      }

      @Override
      public void displace() {
        stream.cancel("others wanted the place of a peer that had not proven itself");
      }

      @Override
      public Object origin() {
        return origin;
      }
    };
  }

  private void handshake(TcpStream stream, Acceptor.Place place) {
    opening.add(stream);
    try {
      if (acceptor.isStopped()) {
        stream.cancel(CLOSED);
      }
      long deadlineNs = System.nanoTime() + Acceptor.TIMEOUT_NS;
      Greeting greeting = new Greeting(stream, TcpTransport.NUMBER, deadlineNs);
      Admission.Verdict verdict = greeting.challenge(admission, place::settle);
      place.settle();
      switch (verdict) {
        case Admission.Refused refused -> {
          greeting.sendVerdict(refused);
          stream.close();
        }
        case Admission.Admitted admitted -> establish(greeting, stream, admitted);
      }
    } catch (IOException | RuntimeException e) {
      place.settle();
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
      LOG.log(Level.INFO, "a peer let in on {0} is not connected: {1}", address, e);
      admission.abandoned(admitted);
      throw e;
    }
    opening.remove(stream);
    try {
      admission.connected(queuePair, admitted);
    } catch (RuntimeException e) {
      queuePair.close();
      throw e;
    }
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
    if (!acceptor.stop()) {
      return;
    }
    try {
      channel.close();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "closing the listener on " + address, e);
    }
    opening.forEach(stream -> stream.cancel(CLOSED));
    acceptor.awaitEnd();
  }
}
