package io.farwarp.rdma.shm;

import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.Transport;
import io.farwarp.rdma.TransportContract;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

final class ShmTransportTest extends TransportContract {
  @Override
  protected Transport transport() {
    return new ShmTransport();
  }

  @Override
  protected String freshAddress(Path privateDirectory) {
    return privateDirectory.resolve("socket").toString();
  }

  @Override
  protected MemorySegment connectorMemory(QueuePair connector, Arena arena, long sizeBytes) {
    return connector.remoteExposed().mapped().orElseThrow().asSlice(0, sizeBytes);
  }
}
