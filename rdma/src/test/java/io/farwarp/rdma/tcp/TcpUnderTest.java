package io.farwarp.rdma.tcp;

import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.Transport;
import io.farwarp.rdma.TransportUnderTest;
import io.farwarp.rdma.provider.HostPort;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Optional;

/** The tcp provider, for the contract. */
final class TcpUnderTest implements TransportUnderTest {
  @Override
  public Transport transport() {
    return new TcpTransport();
  }

  @Override
  public String freshAddress(Path privateDirectory) {
    return "127.0.0.1:0";
  }

  @Override
  public MemorySegment connectorMemory(QueuePair connector, Arena arena, long sizeBytes) {
    return arena.allocate(sizeBytes, 64);
  }

  @Override
  public Optional<SocketChannel> raw(String address) throws IOException {
    return Optional.of(SocketChannel.open(HostPort.parse(address).resolve().getFirst()));
  }
}
