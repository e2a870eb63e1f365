package io.farwarp.rdma.tcp;

import io.farwarp.rdma.Admission;
import io.farwarp.rdma.Introduction;
import io.farwarp.rdma.Listener;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.Transport;
import io.farwarp.rdma.provider.Greeting;
import io.farwarp.rdma.provider.HostPort;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;

/** Two processes that TCP connects. The address is {@code host:port}, IPv6 in brackets. */
public final class TcpTransport implements Transport {
  static final short NUMBER = 2;

  @Override
  public String name() {
    return "tcp";
  }

  @Override
  public boolean sharesWindow() {
    return false;
  }

  @Override
  public Optional<String> unavailable() {
    return Optional.empty();
  }

  @Override
  public Listener listen(String address, Admission admission) throws IOException {
    return TcpListener.bind(HostPort.parse(address), admission);
  }

  @Override
  public QueuePair connect(String address, Introduction introduction, long timeoutNs)
      throws IOException {
    long deadlineNs = System.nanoTime() + timeoutNs;
    TcpStream stream = connectAny(HostPort.parse(address).resolve(), deadlineNs);
    try {
      Greeting greeting = new Greeting(stream, NUMBER, deadlineNs);
      byte[] reply = greeting.answer(introduction);
      byte[] exposed = greeting.receiveBytes(TcpRegion.DESCRIPTOR_BYTES);
      TcpQueuePair queuePair = TcpQueuePair.connecting(stream, exposed, reply);
      greeting.sendBytes(new byte[] {TcpListener.READY});
      return queuePair;
    } catch (IOException | RuntimeException e) {
      stream.close();
      throw e;
    }
  }

  private static TcpStream connectAny(List<InetSocketAddress> addresses, long deadlineNs)
      throws IOException {
    IOException failure = null;
    for (InetSocketAddress address : addresses) {
      try {
        return TcpStream.connect(address, deadlineNs);
      } catch (IOException e) {
        if (failure != null) {
          e.addSuppressed(failure);
        }
        failure = e;
      }
    }
    throw failure == null ? new IOException("the host has no address") : failure;
  }
}
