package io.farwarp.rdma.verbs.disni;

import io.farwarp.rdma.Admission;
import io.farwarp.rdma.Listener;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.provider.Acceptor;
import io.farwarp.rdma.provider.HostPort;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Accepts rdma_cm connections: one acceptor thread, and a thread for each handshake under way. */
final class VerbsListener implements Listener {
  private static final String CLOSED = "the listener was closed during the handshake";
  private static final String DISPLACED =
      "others wanted the place of a peer that had not proven itself";
  private static final int BACKLOG = 256;
  private static final System.Logger LOG = System.getLogger(VerbsListener.class.getName());

  private final CmId id;
  private final String address;
  private final Admission admission;
  private final Acceptor acceptor = new Acceptor("farwarp-verbs-listener", this::accept);
  private final Set<Opening> opening = ConcurrentHashMap.newKeySet();

  private VerbsListener(CmId id, String address, Admission admission) {
    this.id = id;
    this.address = address;
    this.admission = admission;
  }

  static VerbsListener bind(InetSocketAddress local, Admission admission) throws IOException {
    if (local.getAddress().isAnyLocalAddress()) {
      throw new IOException("verbs listens on the address of an RDMA device, not on any");
    }
    CmId id = CmId.create();
    try {
      id.bind(local);
      id.listen(BACKLOG);
      return new VerbsListener(id, HostPort.format(id.localAddress()), admission);
    } catch (IOException e) {
      id.close();
      throw new IOException("cannot listen for verbs on " + HostPort.format(local), e);
    }
  }

  @Override
  public String address() {
    return address;
  }

  @Override
  public void start() {
    acceptor.start();
  }

  private Acceptor.@Nullable Handshake accept() throws IOException {
    CmEvent event = id.nextEvent();
    if (event == null || event.type() != CmEvent.Type.CONNECT_REQUEST) {
      return null;
    }
    return new Request(CmId.adopt(event), event.peerIpv4());
  }

  /** A peer that wants to connect. */
  private final class Request implements Acceptor.Handshake {
    private final CmId peer;
    private final int origin;
    private volatile @Nullable Opening current;

    Request(CmId peer, int origin) {
      this.peer = peer;
      this.origin = origin;
    }

    @Override
    public void run(Acceptor.Place place) {
      try (Opening begun = Opening.request(peer)) {
        current = begun;
        opening.add(begun);
        try {
          handshake(begun, place);
        } finally {
          place.settle();
          opening.remove(begun);
        }
      } catch (IOException | RuntimeException e) {
        place.settle();
        LOG.log(Level.DEBUG, "handshake on " + address + " failed", e);
      }
    }

    @Override
    public void discard() {
      peer.reject();
      closeQuietly(peer);
    }

    @Override
    public void displace() {
      peer.cancel(DISPLACED);
      Opening begun = current;
      if (begun != null) {
        begun.cancel(DISPLACED);
      }
    }

    @Override
    public Object origin() {
      return origin;
    }
  }

  private void handshake(Opening current, Acceptor.Place place) throws IOException {
    if (acceptor.isStopped()) {
      throw new IOException(CLOSED);
    }
    current.accept(Acceptor.TIMEOUT_NS);
    Admission.Verdict verdict = current.challenge(admission, place::settle);
    place.settle();
    switch (verdict) {
      case Admission.Refused refused -> current.refuse(refused);
      case Admission.Admitted admitted -> establish(current, admitted);
    }
  }

  private void establish(Opening current, Admission.Admitted admitted) throws IOException {
    QueuePair queuePair;
    try {
      queuePair = current.admit(admitted, Acceptor.TIMEOUT_NS);
    } catch (IOException | RuntimeException e) {
      LOG.log(Level.INFO, "a peer let in on {0} is not connected: {1}", address, e);
      admission.abandoned(admitted);
      throw e;
    }
    opening.remove(current);
    try {
      admission.connected(queuePair, admitted);
    } catch (RuntimeException e) {
      queuePair.close();
      throw e;
    }
  }

  private static void closeQuietly(CmId peer) {
    try {
      peer.close();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "closing a connection request", e);
    }
  }

  @Override
  public void close() {
    if (!acceptor.stop()) {
      return;
    }
    id.cancel(CLOSED);
    opening.forEach(one -> one.cancel(CLOSED));
    if (!acceptor.awaitEnd()) {
      LOG.log(Level.WARNING, "the listener on {0} is closed under a handshake", address);
    }
    try {
      id.close();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "closing the listener on " + address, e);
    }
  }
}
