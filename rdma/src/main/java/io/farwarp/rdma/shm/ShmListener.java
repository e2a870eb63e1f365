package io.farwarp.rdma.shm;

import io.farwarp.rdma.Admission;
import io.farwarp.rdma.Listener;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.linux.Cancellation;
import io.farwarp.rdma.linux.ErrnoException;
import io.farwarp.rdma.linux.UnixSocket;
import io.farwarp.rdma.provider.Greeting;
import io.farwarp.rdma.provider.HandshakeThreads;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** Accepts on a Unix socket: one acceptor thread, and a thread for each handshake under way. */
final class ShmListener implements Listener {
  private static final System.Logger LOG = System.getLogger(ShmListener.class.getName());
  private static final int ACCEPT_WAIT_MS = 1000;
  private static final int PLACE_WAIT_MS = 100;

  private final Path path;
  private final Object fileKey;
  private final UnixSocket socket;
  private final Admission admission;
  private final Cancellation cancel;
  private final HandshakeThreads handshakes;
  private @Nullable Thread acceptor;
  private volatile boolean closed;

  private ShmListener(
      Path path, Object fileKey, UnixSocket socket, Admission admission, Cancellation cancel) {
    this.path = path;
    this.fileKey = fileKey;
    this.socket = socket;
    this.admission = admission;
    this.cancel = cancel;
    this.handshakes = new HandshakeThreads("farwarp-shm-handshake");
  }

  static ShmListener bind(String address, Admission admission) throws IOException {
    Path path = Path.of(address);
    UnixSocket socket = bindOverStale(path);
    try {
      return new ShmListener(path, fileKey(path), socket, admission, new Cancellation());
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  private static UnixSocket bindOverStale(Path path) throws IOException {
    try {
      return UnixSocket.listen(path.toString());
    } catch (ErrnoException e) {
      if (e.errno() != ErrnoException.EADDRINUSE || !isStaleSocket(path)) {
        throw new IOException("cannot listen on " + path, e);
      }
    }
    Files.delete(path);
    return UnixSocket.listen(path.toString());
  }

  /** A socket that its owner left behind: nobody listens on it any more. */
  private static boolean isStaleSocket(Path path) throws IOException {
    if (!attributes(path).isOther()) {
      return false;
    }
    try {
      UnixSocket.connect(path.toString()).close();
      return false;
    } catch (ErrnoException e) {
      return e.errno() == ErrnoException.ECONNREFUSED;
    }
  }

  private static BasicFileAttributes attributes(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
  }

  private static Object fileKey(Path path) throws IOException {
    return attributes(path).fileKey();
  }

  @Override
  public String address() {
    return path.toString();
  }

  @Override
  public synchronized void start() {
    if (acceptor != null || closed) {
      throw new IllegalStateException("the listener was started or closed before");
    }
    Thread thread = new Thread(this::acceptUntilClosed, "farwarp-shm-acceptor");
    thread.setDaemon(true);
    acceptor = thread;
    thread.start();
  }

  private void acceptUntilClosed() {
    try {
      while (!closed) {
        if (handshakes.takePlace(PLACE_WAIT_MS)) {
          acceptOne();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void acceptOne() {
    UnixSocket peer = null;
    try {
      if (socket.awaitReady(UnixSocket.POLLIN, cancel, ACCEPT_WAIT_MS) > 0) {
        peer = socket.accept();
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "accept on " + path + " failed", e);
      pauseAfterFailure();
    }
    if (peer == null) {
      handshakes.returnPlace();
      return;
    }
    UnixSocket accepted = peer;
    handshakes.run(() -> handshake(accepted));
  }

  /** Out of descriptors, most likely: without a pause the acceptor would spin. */
  private void pauseAfterFailure() {
    try {
      Thread.sleep(PLACE_WAIT_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void handshake(UnixSocket peer) {
    try {
      long deadlineNs = System.nanoTime() + HandshakeThreads.TIMEOUT_NS;
      UnixStream stream = new UnixStream(peer, cancel);
      Greeting greeting = new Greeting(stream, ShmTransport.NUMBER, deadlineNs);
      switch (greeting.challenge(admission)) {
        case Admission.Refused refused -> {
          greeting.sendVerdict(refused);
          peer.close();
        }
        case Admission.Admitted admitted -> establish(greeting, stream, peer, admitted, deadlineNs);
      }
    } catch (IOException | RuntimeException e) {
      peer.close();
      LOG.log(Level.DEBUG, "handshake on " + path + " failed", e);
    }
  }

  private void establish(
      Greeting greeting,
      UnixStream stream,
      UnixSocket peer,
      Admission.Admitted admitted,
      long deadlineNs)
      throws IOException {
    QueuePair queuePair;
    try {
      queuePair = Grant.send(greeting, stream, peer, admitted, deadlineNs);
    } catch (IOException | RuntimeException e) {
      admission.abandoned(admitted);
      throw e;
    }
    admission.connected(queuePair, admitted);
  }

  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    try {
      cancel.cancel();
      Thread accepting = acceptor;
      if (accepting != null) {
        accepting.join();
      }
      if (handshakes.awaitEnd()) {
        cancel.close();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "closing the listener on " + path, e);
    }
    socket.close();
    removePath();
  }

  private void removePath() {
    try {
      if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) && fileKey(path).equals(fileKey)) {
        Files.delete(path);
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "removing " + path, e);
    }
  }
}
