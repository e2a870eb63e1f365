package io.farwarp.rdma.shm;

import io.farwarp.rdma.Admission;
import io.farwarp.rdma.Listener;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.linux.Cancellation;
import io.farwarp.rdma.linux.ErrnoException;
import io.farwarp.rdma.linux.UnixSocket;
import io.farwarp.rdma.provider.Acceptor;
import io.farwarp.rdma.provider.Greeting;
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

  private final Path path;
  private final Object fileKey;
  private final UnixSocket socket;
  private final Admission admission;
  private final Cancellation cancel;
  private final Acceptor acceptor;

  private ShmListener(
      Path path, Object fileKey, UnixSocket socket, Admission admission, Cancellation cancel) {
    this.path = path;
    this.fileKey = fileKey;
    this.socket = socket;
    this.admission = admission;
    this.cancel = cancel;
    this.acceptor = new Acceptor("farwarp-shm-listener", this::accept);
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
  public void start() {
    acceptor.start();
  }

  private Acceptor.@Nullable Handshake accept() throws IOException {
    if (socket.awaitReady(UnixSocket.POLLIN, cancel, ACCEPT_WAIT_MS) <= 0) {
      return null;
    }
    UnixSocket peer = socket.accept();
    return peer == null ? null : new Handshake(peer);
  }

  private final class Handshake implements Acceptor.Handshake {
    private final UnixSocket peer;

    Handshake(UnixSocket peer) {
      this.peer = peer;
    }

    @Override
    public void run(Acceptor.Place place) {
      handshake(peer, place);
    }

    @Override
    public void discard() {
      peer.close();
    }

    @Override
    public void displace() {
      try {
        peer.shutdown();
      } catch (IOException e) {
        LOG.log(Level.DEBUG, "a peer on " + path + " has gone by itself", e);
      }
    }

    /** Only peers that may enter the directory come here: they are not told apart. */
    @Override
    public Object origin() {
      return path;
    }
  }

  private void handshake(UnixSocket peer, Acceptor.Place place) {
    try {
      long deadlineNs = System.nanoTime() + Acceptor.TIMEOUT_NS;
      UnixStream stream = new UnixStream(peer, cancel);
      Greeting greeting = new Greeting(stream, ShmTransport.NUMBER, deadlineNs);
      Admission.Verdict verdict = greeting.challenge(admission, place::settle);
      place.settle();
      switch (verdict) {
        case Admission.Refused refused -> {
          greeting.sendVerdict(refused);
          peer.close();
        }
        case Admission.Admitted admitted -> establish(greeting, stream, peer, admitted, deadlineNs);
      }
    } catch (IOException | RuntimeException e) {
      place.settle();
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
      LOG.log(Level.INFO, "a peer let in on {0} is not connected: {1}", path, e);
      admission.abandoned(admitted);
      throw e;
    }
    try {
      admission.connected(queuePair, admitted);
    } catch (RuntimeException e) {
      queuePair.close();
      throw e;
    }
  }

  @Override
  public void close() {
    if (!acceptor.stop()) {
      return;
    }
    try {
      cancel.cancel();
      if (acceptor.awaitEnd()) {
        cancel.close();
      }
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
