package io.farwarp.rdma.shm;

import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.Transport;
import io.farwarp.rdma.TransportUnderTest;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Optional;

/** The shm provider, for the contract. */
final class ShmUnderTest implements TransportUnderTest {
  @Override
  public Transport transport() {
    return new ShmTransport();
  }

  @Override
  public String freshAddress(Path privateDirectory) {
    return privateDirectory.resolve("socket").toString();
  }

  @Override
  public MemorySegment connectorMemory(QueuePair connector, Arena arena, long sizeBytes) {
    return connector.remoteExposed().mapped().orElseThrow().asSlice(0, sizeBytes);
  }

  @Override
  public Optional<SocketChannel> raw(String address) throws IOException {
    return Optional.of(SocketChannel.open(UnixDomainSocketAddress.of(address)));
  }
}
