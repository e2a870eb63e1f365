package io.farwarp.rdma.verbs.disni;

import com.ibm.disni.verbs.IbvContext;
import com.ibm.disni.verbs.RdmaCm;
import com.ibm.disni.verbs.RdmaCmId;
import com.ibm.disni.verbs.RdmaConnParam;
import com.ibm.disni.verbs.RdmaEventChannel;
import com.ibm.disni.verbs.impl.NatCmaIdPrivate;
import com.ibm.disni.verbs.impl.NatIbvContext;
import com.ibm.disni.verbs.impl.NatRdmaEventChannel;
import io.farwarp.rdma.linux.Cancellation;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * An rdma_cm id that reports to an event channel of its own. One thread, but for {@link #cancel}
 * and {@link #disconnect}.
 *
 * <p>Its events do not come through DiSNI, whose own lack the status, and whose channel keeps every
 * id that it has ever seen.
 */
final class CmId implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(CmId.class.getName());
  private static final long NANOS_PER_MILLI = 1_000_000L;

  /** Soft-RoCE takes 7 for "for ever", and would never tell that the peer's machine is gone. */
  private static final byte RETRIES = 6;

  /**
   * Receives are posted before the peer may send, so that it never has to wait for one for long.
   */
  private static final byte RETRIES_WITHOUT_RECEIVE = 6;

  private final NatRdmaEventChannel channel;
  private final Cancellation cancellation;
  private final RdmaCmId id;
  private final long address;
  private volatile @Nullable String cancelled;
  private boolean closed;

  private CmId(NatRdmaEventChannel channel, Cancellation cancellation, RdmaCmId id) {
    this.channel = channel;
    this.cancellation = cancellation;
    this.id = id;
    this.address = ((NatCmaIdPrivate) id).getObjId();
  }

  /** Makes an id out of a new channel. */
  private interface Maker {
    RdmaCmId make(NatRdmaEventChannel channel) throws IOException;
  }

  static CmId create() throws IOException {
    return make(channel -> channel.createId(RdmaCm.RDMA_PS_TCP));
  }

  /** The id of a connection request, which it takes away from the channel that reported it. */
  static CmId adopt(CmEvent request) throws IOException {
    return make(channel -> {
      NativeVerbs.migrate(request.id(), channel.getObjId());
      NatCmaIdPrivate adopted = new NatCmaIdPrivate(request.id(), channel, null);
      adopted.setVerbs(new NatIbvContext(request.context(), null));
      return adopted;
    });
  }

  private static CmId make(Maker maker) throws IOException {
    NatRdmaEventChannel channel = (NatRdmaEventChannel) RdmaEventChannel.createEventChannel();
    Cancellation cancellation = null;
    try {
      cancellation = new Cancellation();
      return new CmId(channel, cancellation, maker.make(channel));
    } catch (IOException e) {
      destroy(channel);
      if (cancellation != null) {
        cancellation.close();
      }
      throw e;
    }
  }

  long address() {
    return address;
  }

  RdmaCmId id() {
    return id;
  }

  IbvContext device() throws IOException {
    return id.getVerbs();
  }

  void bind(InetSocketAddress local) throws IOException {
    id.bindAddr(local);
  }

  void listen(int backlog) throws IOException {
    id.listen(backlog);
  }

  /** Of a bound id; the port is the real one. */
  InetSocketAddress localAddress() throws IOException {
    return (InetSocketAddress) id.getSource();
  }

  /** Finds device and path to the peer. */
  void resolve(InetSocketAddress peer, long deadlineNs) throws IOException {
    id.resolveAddr(null, peer, millisUntil(deadlineNs));
    await(CmEvent.Type.ADDR_RESOLVED, deadlineNs);
    id.resolveRoute(millisUntil(deadlineNs));
    await(CmEvent.Type.ROUTE_RESOLVED, deadlineNs);
  }

  void connect(long deadlineNs) throws IOException {
    id.connect(parameters());
    await(CmEvent.Type.ESTABLISHED, deadlineNs);
  }

  void accept(long deadlineNs) throws IOException {
    id.accept(parameters());
    await(CmEvent.Type.ESTABLISHED, deadlineNs);
  }

  private static RdmaConnParam parameters() throws IOException {
    RdmaConnParam parameters = new RdmaConnParam();
    parameters.setRetry_count(RETRIES);
    parameters.setRnr_retry_count(RETRIES_WITHOUT_RECEIVE);
    return parameters;
  }

  private void await(CmEvent.Type wanted, long deadlineNs) throws IOException {
    CmEvent event = nextEvent(millisUntil(deadlineNs));
    if (event == null) {
      throw new IOException("the peer was silent until the connection's time was over");
    }
    if (event.type() != wanted) {
      throw new IOException(
          "rdma_cm answered %s (status %d) instead of %s"
              .formatted(event.type(), event.status(), wanted));
    }
  }

  /**
   * Waits for an event, without limit; null when there was none after all.
   *
   * @throws NativeVerbs.CancelledException {@link #cancel} was called
   */
  @Nullable CmEvent nextEvent() throws IOException {
    return nextEvent(-1);
  }

  /** As {@link #nextEvent()}, and null when the time has passed. */
  @Nullable CmEvent nextEvent(int timeoutMs) throws IOException {
    try {
      return NativeVerbs.awaitEvent(channel.getObjId(), cancellation.descriptor(), timeoutMs);
    } catch (NativeVerbs.CancelledException e) {
      String why = cancelled;
      throw why == null ? e : new IOException(why, e);
    }
  }

  private static int millisUntil(long deadlineNs) {
    long left = Math.ceilDiv(deadlineNs - System.nanoTime(), NANOS_PER_MILLI);
    return Math.clamp(left, 1, Integer.MAX_VALUE);
  }

  /** Ends this id's waits, also those to come; any thread. */
  void cancel(String why) {
    synchronized (cancellation) {
      if (!closed) {
        cancelled = why;
        cancellation.cancel();
      }
    }
  }

  /** Why somebody has cancelled it; null if nobody has. */
  @Nullable String cancelled() {
    return cancelled;
  }

  /**
   * Moves the queue pair to its error state, which flushes it, and tells the peer; any thread, any
   * number of times.
   */
  void disconnect() {
    try {
      int error = id.disconnect();
      if (error != 0) {
        LOG.log(Level.DEBUG, "rdma_disconnect of a connection that is over: errno {0}", -error);
      }
    } catch (IOException e) {
      throw new IllegalStateException("a closed id was disconnected", e);
    }
  }

  /** Turns a connection request down. */
  void reject() {
    try {
      NativeVerbs.reject(address);
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "the peer of a connection request left first", e);
    }
  }

  /** After its queue pair and all who wait on it. */
  @Override
  public void close() throws IOException {
    synchronized (cancellation) {
      closed = true;
    }
    int error = id.destroyId();
    destroy(channel);
    cancellation.close();
    if (error != 0) {
      throw new IOException("rdma_destroy_id: errno " + -error);
    }
  }

  private static void destroy(RdmaEventChannel channel) throws IOException {
    int error = channel.destroyEventChannel();
    if (error != 0) {
      throw new IOException("rdma_destroy_event_channel: errno " + -error);
    }
  }
}
