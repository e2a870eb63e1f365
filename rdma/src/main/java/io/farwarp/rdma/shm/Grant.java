package io.farwarp.rdma.shm;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.farwarp.rdma.Admission;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.linux.Libc;
import io.farwarp.rdma.linux.SharedMemory;
import io.farwarp.rdma.linux.UnixSocket;
import io.farwarp.rdma.provider.Greeting;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

/**
 * What an admitted peer is given: ring bytes i64 and exposed bytes i64 (little-endian), and with
 * the first of them two descriptors, the rings' and the exposed memory's. The connector maps both
 * and answers with one byte.
 */
final class Grant {
  private static final java.lang.foreign.ValueLayout.OfLong I64 =
      JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int BYTES = 16;
  private static final byte MAPPED = 1;

  private Grant() {}

  /** The listener's part; the queue pair owns the socket. */
  static QueuePair send(
      Greeting greeting,
      UnixStream stream,
      UnixSocket socket,
      Admission.Admitted admitted,
      long deadlineNs)
      throws IOException {
    MemorySegment exposed = admitted.exposed().memory();
    int descriptor =
        admitted
            .exposed()
            .descriptor()
            .orElseThrow(
                () -> new IOException("shm exposes shared memory only: the window has no memfd"));
    checkExposed(descriptor, exposed.byteSize());
    SharedMemory rings = SharedMemory.create("farwarp-rings", RingLayout.TOTAL_BYTES);
    try (Arena arena = Arena.ofConfined()) {
      rings.prefault();
      greeting.sendVerdict(admitted);
      MemorySegment grant = arena.allocate(BYTES);
      grant.set(I64, 0, rings.sizeBytes());
      grant.set(I64, 8, exposed.byteSize());
      stream.write(grant, deadlineNs, rings.descriptor(), descriptor);
      byte answer = greeting.receiveBytes(1)[0];
      if (answer != MAPPED) {
        throw new IOException("the peer answered its grant with byte " + answer);
      }
      return ShmQueuePair.listening(socket, rings, exposed, admitted.reply());
    } catch (IOException | RuntimeException e) {
      rings.close();
      throw e;
    }
  }

  private static void checkExposed(int descriptor, long sizeBytes) throws IOException {
    long actual = Libc.sizeBytes(descriptor);
    if (actual != sizeBytes) {
      throw new IOException(
          "the exposed memory has %d bytes, its descriptor %d".formatted(sizeBytes, actual));
    }
  }

  /** The connector's part; the queue pair owns the socket. */
  static QueuePair receive(
      Greeting greeting, UnixStream stream, UnixSocket socket, byte[] reply, long deadlineNs)
      throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment grant = arena.allocate(BYTES);
      int[] descriptors = stream.readWithDescriptors(grant, deadlineNs);
      long ringBytes = grant.get(I64, 0);
      long exposedBytes = grant.get(I64, 8);
      if (descriptors.length != 2 || ringBytes != RingLayout.TOTAL_BYTES) {
        UnixSocket.closeAll(descriptors);
        throw new IOException(
            "the listener granted %d descriptors and rings of %d bytes; 2 and %d belong there"
                .formatted(descriptors.length, ringBytes, RingLayout.TOTAL_BYTES));
      }
      SharedMemory rings;
      try {
        rings = SharedMemory.adopt(descriptors[0], ringBytes);
      } catch (IOException e) {
        UnixSocket.closeAll(descriptors[1]);
        throw e;
      }
      try {
        SharedMemory exposed = SharedMemory.adopt(descriptors[1], exposedBytes);
        try {
          greeting.sendBytes(new byte[] {MAPPED});
          return ShmQueuePair.connecting(socket, rings, exposed, reply);
        } catch (IOException | RuntimeException e) {
          exposed.close();
          throw e;
        }
      } catch (IOException | RuntimeException e) {
        rings.close();
        throw e;
      }
    }
  }
}
