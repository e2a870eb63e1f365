package io.farwarp.rdma.shm;

import io.farwarp.rdma.Admission;
import io.farwarp.rdma.Introduction;
import io.farwarp.rdma.Listener;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.Transport;
import io.farwarp.rdma.linux.ErrnoException;
import io.farwarp.rdma.linux.Libc;
import io.farwarp.rdma.linux.SharedMemory;
import io.farwarp.rdma.linux.UnixSocket;
import io.farwarp.rdma.provider.Greeting;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * Two processes on one Linux host. The address is the path of a Unix socket, at most {@link
 * UnixSocket#MAX_PATH_BYTES} bytes, in a directory that only the rightful peers may enter.
 */
public final class ShmTransport implements Transport {
  static final short NUMBER = 1;

  private static final long FULL_QUEUE_PAUSE_NS = 1_000_000L;

  @Override
  public String name() {
    return "shm";
  }

  @Override
  public boolean sharesWindow() {
    return true;
  }

  @Override
  public Optional<String> unavailable() {
    return Libc.unavailable().or(ShmTransport::noSealedMemory);
  }

  /** Some sandboxes deny memfd_create(2) or sealing. */
  private static Optional<String> noSealedMemory() {
    try {
      SharedMemory.create("farwarp-probe", RingLayout.TOTAL_BYTES).close();
      return Optional.empty();
    } catch (IOException e) {
      return Optional.of("this host gives no sealed shared memory: " + e.getMessage());
    }
  }

  @Override
  public Listener listen(String address, Admission admission) throws IOException {
    return ShmListener.bind(address, admission);
  }

  @Override
  public QueuePair connect(String address, Introduction introduction, long timeoutNs)
      throws IOException {
    long deadlineNs = System.nanoTime() + timeoutNs;
    UnixSocket socket = connectSocket(address, deadlineNs);
    try {
      UnixStream stream = new UnixStream(socket, null);
      Greeting greeting = new Greeting(stream, NUMBER, deadlineNs);
      byte[] reply = greeting.answer(introduction);
      return Grant.receive(greeting, stream, socket, reply, deadlineNs);
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  private static UnixSocket connectSocket(String path, long deadlineNs) throws IOException {
    while (true) {
      try {
        return UnixSocket.connect(path);
      } catch (ErrnoException e) {
        if (e.errno() != ErrnoException.EAGAIN) {
          throw new IOException("cannot connect to the shm listener at " + path, e);
        }
        if (deadlineNs - System.nanoTime() <= 0) {
          throw new IOException("the shm listener at " + path + " has a full queue", e);
        }
        // Nothing tells when a place in another process's accept queue is free.
        LockSupport.parkNanos(FULL_QUEUE_PAUSE_NS);
      }
    }
  }
}
