package io.farwarp.rdma.shm;

import io.farwarp.rdma.Connection;
import io.farwarp.rdma.linux.SharedMemory;
import io.farwarp.rdma.linux.UnixSocket;
import io.farwarp.rdma.provider.Greeting;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A peer that was admitted and now has the ring memory to scribble on. */
final class HostileConnector implements AutoCloseable {
  private final UnixSocket socket;
  private final SharedMemory shared;

  HostileConnector(String address) throws IOException {
    socket = UnixSocket.connect(address);
    long deadlineNs = System.nanoTime() + Connection.TIMEOUT_NS;
    UnixStream stream = new UnixStream(socket, null);
    Greeting greeting = new Greeting(stream, ShmTransport.NUMBER, deadlineNs);
    greeting.answer(challenge -> challenge);
    try (Arena arena = Arena.ofConfined()) {
      int[] descriptors = stream.readWithDescriptors(arena.allocate(16), deadlineNs);
      shared = SharedMemory.adopt(descriptors[0], RingLayout.TOTAL_BYTES);
      UnixSocket.closeAll(descriptors[1]);
    }
    greeting.sendBytes(new byte[] {1});
  }

  /** The ring that this side produces into. */
  MemorySegment outgoing() {
    return RingLayout.direction(shared.segment(), RingLayout.CONNECTOR_TO_LISTENER);
  }

  /** The ring that this side consumes. */
  MemorySegment incoming() {
    return RingLayout.direction(shared.segment(), RingLayout.LISTENER_TO_CONNECTOR);
  }

  MemorySegment rings() {
    return shared.segment();
  }

  void send(byte[] bytes) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      socket.send(arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_BYTE, bytes));
    }
  }

  @Override
  public void close() {
    socket.close();
    shared.close();
  }
}
