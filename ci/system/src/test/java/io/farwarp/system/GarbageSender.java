package io.farwarp.system;

import io.farwarp.client.DataPath;
import io.farwarp.rdma.verbs.RawPeer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** Connects to a worker as anybody can, and says something else than a client does. */
final class GarbageSender {
  private GarbageSender() {}

  /** Returns once the worker has ended the connection. */
  static void send(DataPath path, byte[] garbage) throws IOException {
    switch (path.transport()) {
      case "verbs" -> overVerbs(path.address(), garbage);
      case "shm" -> overSocket(UnixDomainSocketAddress.of(path.address()), garbage);
      default -> overSocket(internetAddress(path.address()), garbage);
    }
  }

  private static void overVerbs(String address, byte[] garbage) throws IOException {
    try (RawPeer peer = RawPeer.connect(address)) {
      peer.send(garbage);
      peer.awaitEnd();
    }
  }

  private static InetSocketAddress internetAddress(String hostAndPort) {
    int colon = hostAndPort.lastIndexOf(':');
    return new InetSocketAddress(
        hostAndPort.substring(0, colon), Integer.parseInt(hostAndPort.substring(colon + 1)));
  }

  private static void overSocket(SocketAddress address, byte[] garbage) throws IOException {
    try (SocketChannel socket =
        address instanceof InetSocketAddress
            ? SocketChannel.open()
            : SocketChannel.open(StandardProtocolFamily.UNIX)) {
      socket.connect(address);
      socket.write(ByteBuffer.wrap(garbage));
      awaitEnd(socket);
    }
  }

  /** What the worker says first, its challenge, and then the end. */
  private static void awaitEnd(SocketChannel socket) throws IOException {
    ByteBuffer read = ByteBuffer.allocate(4096);
    int bytes = 0;
    while (bytes >= 0) {
      try {
        bytes = socket.read(read.clear());
      } catch (SocketException reset) {
        return; // the worker has not read all of it
      }
    }
  }
}
