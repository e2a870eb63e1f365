package io.farwarp.rdma.tcp;

import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.Transport;
import io.farwarp.rdma.TransportContract;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

final class TcpTransportTest extends TransportContract {
  @Override
  protected Transport transport() {
    return new TcpTransport();
  }

  @Override
  protected String freshAddress(Path privateDirectory) {
    return "127.0.0.1:0";
  }

  @Override
  protected MemorySegment connectorMemory(QueuePair connector, Arena arena, long sizeBytes) {
    return arena.allocate(sizeBytes, 64);
  }
}
