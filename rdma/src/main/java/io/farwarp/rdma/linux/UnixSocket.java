package io.farwarp.rdma.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A stream socket of the Unix domain that can carry descriptors, which Java's own cannot. Always
 * non-blocking; who waits does it in {@link #awaitReady} with a time-out. One thread at a time, but
 * for {@link #awaitReady}, which runs beside the others.
 */
public final class UnixSocket implements AutoCloseable {
  /** Bytes of a path in UTF-8 at most: {@code sun_path} less its NUL. */
  public static final int MAX_PATH_BYTES = 107;

  public static final short POLLIN = 1;
  public static final short POLLOUT = 4;

  private static final int AF_UNIX = 1;
  private static final int SOCK_STREAM = 1;
  private static final int SOCK_NONBLOCK = 0x800;
  private static final int SOCK_CLOEXEC = 0x80000;
  private static final int SOL_SOCKET = 1;
  private static final int SO_PEERCRED = 17;
  private static final int SCM_RIGHTS = 1;
  private static final int MSG_CTRUNC = 8;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int MSG_CMSG_CLOEXEC = 0x40000000;
  private static final int SHUT_RDWR = 2;
  private static final int BACKLOG = 64;
  private static final int SOCKADDR_BYTES = 110;

  // struct msghdr and struct cmsghdr on 64-bit Linux: unistd's recvmsg(2), cmsg(3).
  private static final int MSGHDR_BYTES = 56;
  private static final int MSG_IOV = 16;
  private static final int MSG_IOVLEN = 24;
  private static final int MSG_CONTROL = 32;
  private static final int MSG_CONTROLLEN = 40;
  private static final int MSG_FLAGS = 48;
  private static final int CMSG_HEADER_BYTES = 16;

  /** Room for more descriptors than anyone is asked for, so that surplus ones can be closed. */
  private static final int MAX_DESCRIPTORS = 16;

  private static final int POLLFD_BYTES = 8;
  private static final int POLLFD_REVENTS = 6;

  private static final CFunction SOCKET =
      CFunction.of("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
  private static final CFunction BIND = CFunction.of("bind", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
  private static final CFunction LISTEN = CFunction.of("listen", JAVA_INT, JAVA_INT, JAVA_INT);
  private static final CFunction CONNECT =
      CFunction.of("connect", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
  private static final CFunction ACCEPT4 =
      CFunction.of("accept4", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
  private static final CFunction SENDMSG =
      CFunction.of("sendmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
  private static final CFunction RECVMSG =
      CFunction.of("recvmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
  private static final CFunction GETSOCKOPT =
      CFunction.of("getsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
  private static final CFunction POLL =
      CFunction.of("poll", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);

  private static final CFunction SHUTDOWN = CFunction.of("shutdown", JAVA_INT, JAVA_INT, JAVA_INT);

  private final int descriptor;
  private boolean closed;

  /** Who is at the other end, as the kernel says. */
  public record PeerCredentials(int pid, int uid, int gid) {}

  private UnixSocket(int descriptor) {
    this.descriptor = descriptor;
  }

  /** A socket bound to {@code path}, which must not exist, and listening. */
  public static UnixSocket listen(String path) throws IOException {
    UnixSocket socket = open();
    try (Arena arena = Arena.ofConfined()) {
      BIND.call(socket.descriptor, address(path, arena), SOCKADDR_BYTES);
      LISTEN.call(socket.descriptor, BACKLOG);
      return socket;
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  /** Connects; EAGAIN says that the listener's queue is full. */
  public static UnixSocket connect(String path) throws IOException {
    UnixSocket socket = open();
    try (Arena arena = Arena.ofConfined()) {
      CONNECT.call(socket.descriptor, address(path, arena), SOCKADDR_BYTES);
      return socket;
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  private static UnixSocket open() throws ErrnoException {
    return new UnixSocket(
        (int) SOCKET.call(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }

  private static MemorySegment address(String path, Arena arena) throws IOException {
    byte[] bytes = path.getBytes(UTF_8);
    if (bytes.length == 0 || bytes.length > MAX_PATH_BYTES) {
      throw new IOException(
          "socket path '%s' takes %d bytes; the limit of Unix sockets is 1 to %d: use a shorter"
                  .formatted(path, bytes.length, MAX_PATH_BYTES)
              + " directory");
    }
    MemorySegment address = arena.allocate(SOCKADDR_BYTES, 8);
    address.set(JAVA_SHORT, 0, (short) AF_UNIX);
    MemorySegment.copy(bytes, 0, address, JAVA_BYTE, 2, bytes.length);
    return address;
  }

  /** The next connection; null if none waits. */
  public @Nullable UnixSocket accept() throws IOException {
    try {
      return new UnixSocket(
          (int)
              ACCEPT4.call(
                  descriptor,
                  MemorySegment.NULL,
                  MemorySegment.NULL,
                  SOCK_NONBLOCK | SOCK_CLOEXEC));
    } catch (ErrnoException e) {
      if (e.errno() == ErrnoException.EAGAIN) {
        return null;
      }
      throw e;
    }
  }

  public PeerCredentials peerCredentials() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment credentials = arena.allocate(JAVA_INT, 3);
      MemorySegment length = arena.allocateFrom(JAVA_INT, 12);
      GETSOCKOPT.call(descriptor, SOL_SOCKET, SO_PEERCRED, credentials, length);
      return new PeerCredentials(
          credentials.getAtIndex(JAVA_INT, 0),
          credentials.getAtIndex(JAVA_INT, 1),
          credentials.getAtIndex(JAVA_INT, 2));
    }
  }

  /**
   * Sends what the socket takes of {@code bytes}, and with the first of them the descriptors.
   *
   * @return bytes sent; 0 if the socket is full, and then no descriptor went either
   */
  public int send(MemorySegment bytes, int... descriptors) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment message = message(arena, bytes);
      if (descriptors.length > 0) {
        int length = CMSG_HEADER_BYTES + descriptors.length * Integer.BYTES;
        MemorySegment control = arena.allocate(aligned(length), 8);
        control.set(JAVA_LONG, 0, length);
        control.set(JAVA_INT, 8, SOL_SOCKET);
        control.set(JAVA_INT, 12, SCM_RIGHTS);
        MemorySegment.copy(
            descriptors, 0, control, JAVA_INT, CMSG_HEADER_BYTES, descriptors.length);
        message.set(ADDRESS, MSG_CONTROL, control);
        message.set(JAVA_LONG, MSG_CONTROLLEN, control.byteSize());
      }
      return (int) SENDMSG.call(descriptor, message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } catch (ErrnoException e) {
      if (e.errno() == ErrnoException.EAGAIN) {
        return 0;
      }
      throw e;
    }
  }

  /** What one {@link #receive} brought: bytes, -1 at the end of the stream, and descriptors. */
  public record Received(int bytes, int[] descriptors) {
    static final Received NOTHING = new Received(0, new int[0]);
  }

  /** Receives into {@code bytes}; descriptors that come along belong to the caller. */
  public Received receive(MemorySegment bytes) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment message = message(arena, bytes);
      MemorySegment control =
          arena.allocate(aligned(CMSG_HEADER_BYTES + MAX_DESCRIPTORS * Integer.BYTES), 8);
      message.set(ADDRESS, MSG_CONTROL, control);
      message.set(JAVA_LONG, MSG_CONTROLLEN, control.byteSize());
      int received = (int) RECVMSG.call(descriptor, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      int[] descriptors = descriptors(control, message.get(JAVA_LONG, MSG_CONTROLLEN));
      if ((message.get(JAVA_INT, MSG_FLAGS) & MSG_CTRUNC) != 0) {
        closeAll(descriptors);
        throw new IOException(
            "the peer sent more descriptors than the %d that fit, or this"
                    .formatted(MAX_DESCRIPTORS)
                + " process has none left (RLIMIT_NOFILE)");
      }
      return new Received(received == 0 ? -1 : received, descriptors);
    } catch (ErrnoException e) {
      if (e.errno() == ErrnoException.EAGAIN) {
        return Received.NOTHING;
      }
      throw e;
    }
  }

  private static MemorySegment message(Arena arena, MemorySegment bytes) {
    MemorySegment vector = arena.allocate(16, 8);
    vector.set(ADDRESS, 0, bytes);
    vector.set(JAVA_LONG, 8, bytes.byteSize());
    MemorySegment message = arena.allocate(MSGHDR_BYTES, 8);
    message.set(ADDRESS, MSG_IOV, vector);
    message.set(JAVA_LONG, MSG_IOVLEN, 1);
    return message;
  }

  /** The kernel wrote the control bytes, so their lengths agree. */
  private static int[] descriptors(MemorySegment control, long controlBytes) {
    if (controlBytes < CMSG_HEADER_BYTES
        || control.get(JAVA_INT, 8) != SOL_SOCKET
        || control.get(JAVA_INT, 12) != SCM_RIGHTS) {
      return new int[0];
    }
    int count = (int) ((control.get(JAVA_LONG, 0) - CMSG_HEADER_BYTES) / Integer.BYTES);
    return control.asSlice(CMSG_HEADER_BYTES, (long) count * Integer.BYTES).toArray(JAVA_INT);
  }

  /** Closes descriptors that came along unasked. */
  public static void closeAll(int... descriptors) throws IOException {
    for (int received : descriptors) {
      Libc.close(received);
    }
  }

  private static long aligned(long bytes) {
    return (bytes + 7) & ~7L;
  }

  /**
   * Waits until {@code events} are there on this socket or {@code cancel} has something to read, at
   * most {@code timeoutMs}; blocks the carrier of a virtual thread.
   *
   * @return the events; 0 after the time-out; negative if it was cancelled
   */
  public int awaitReady(short events, @Nullable Cancellation cancel, int timeoutMs)
      throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment polled = arena.allocate(2L * POLLFD_BYTES, 4);
      polled.set(JAVA_INT, 0, descriptor);
      polled.set(JAVA_SHORT, 4, events);
      polled.set(JAVA_INT, POLLFD_BYTES, cancel == null ? -1 : cancel.descriptor());
      polled.set(JAVA_SHORT, POLLFD_BYTES + 4, POLLIN);
      POLL.call(polled, 2L, timeoutMs);
      if (polled.get(JAVA_SHORT, POLLFD_BYTES + POLLFD_REVENTS) != 0) {
        return -1;
      }
      return Short.toUnsignedInt(polled.get(JAVA_SHORT, POLLFD_REVENTS));
    }
  }

  /** Ends both directions: the peer sees the end, and whoever waits in {@link #awaitReady} too. */
  public void shutdown() throws IOException {
    SHUTDOWN.call(descriptor, SHUT_RDWR);
  }

  /** Idempotent. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      Libc.close(descriptor);
    } catch (ErrnoException e) {
      throw new AssertionError("a descriptor of our own", e);
    }
  }
}
