package io.farwarp.rdma;

import io.farwarp.rdma.linux.SharedMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Optional;

/** What the contract has to know of a provider beyond {@link Transport}. */
public interface TransportUnderTest {
  Transport transport();

  /** An address to listen on; {@code privateDirectory} is new. */
  String freshAddress(Path privateDirectory);

  /** Memory of the connector's that the listener's side may be asked to write to. */
  MemorySegment connectorMemory(QueuePair connector, Arena arena, long sizeBytes);

  /** Aborts the test where a transport that pins all of its memory cannot have so much. */
  default void requireMemory(long bytes) throws IOException {}

  /** Backs memory of which a test touches only a little, where the transport pins all of it. */
  default void prepare(SharedMemory memory) throws IOException {}

  /** A blocking stream to the listener, to misbehave on; empty if the handshake uses none. */
  Optional<SocketChannel> raw(String address) throws IOException;
}
