package io.farwarp.rdma.verbs.disni;

import io.farwarp.rdma.Admission;
import io.farwarp.rdma.Introduction;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.provider.Greeting;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * A connection while it is opened: connected queue pairs, on which the greeting and then the grants
 * go. One thread, but for {@link #cancel}. It owns the endpoint until {@link #establish}.
 */
final class Opening implements AutoCloseable {
  /** Verbs' number on the wire. */
  private static final short NUMBER = 3;

  private final Endpoint endpoint;
  private final OpeningStream stream;
  private final CmWatch watch;

  /** Of {@link System#nanoTime}; set once both sides can speak, or before. */
  private long deadlineNs;

  /** Nothing here is this object's any more. */
  private boolean over;

  private Opening(Endpoint endpoint) throws IOException {
    this.endpoint = endpoint;
    this.stream = new OpeningStream(endpoint);
    this.watch = new CmWatch(endpoint.id());
  }

  /** Owns the id, also when it throws. */
  private static Opening open(CmId id) throws IOException {
    Endpoint endpoint;
    try {
      endpoint = Endpoint.create(id);
    } catch (IOException | RuntimeException e) {
      id.close();
      throw e;
    }
    try {
      return new Opening(endpoint);
    } catch (IOException | RuntimeException e) {
      endpoint.close();
      throw e;
    }
  }

  /**
   * Connects to a listener.
   *
   * @param source the address of this side's device; where there is none, the route decides
   */
  static Opening connect(
      InetSocketAddress peer, Optional<InetSocketAddress> source, long deadlineNs)
      throws IOException {
    CmId id = CmId.create();
    try {
      if (source.isPresent()) {
        id.bind(source.get());
      }
      id.resolve(peer, deadlineNs);
    } catch (IOException | RuntimeException e) {
      id.close();
      throw e;
    }
    Opening opening = open(id);
    opening.deadlineNs = deadlineNs;
    try {
      id.connect(deadlineNs);
    } catch (IOException | RuntimeException e) {
      opening.close();
      throw e;
    }
    opening.watch.start();
    return opening;
  }

  /** For a connection request; {@link #accept} is next. */
  static Opening request(CmId id) throws IOException {
    return open(id);
  }

  /** What it took to get here is not the peer's to answer for: its time begins now. */
  void accept(long timeoutNs) throws IOException {
    deadlineNs = System.nanoTime() + timeoutNs;
    endpoint.id().accept(deadlineNs);
    watch.start();
  }

  /**
   * The exchange on it, the same on every transport, until {@code limitNs} of {@link
   * System#nanoTime}.
   */
  private Greeting greeting(long limitNs) {
    return new Greeting(stream, NUMBER, limitNs);
  }

  Admission.Verdict challenge(Admission admission, Runnable proven) throws IOException {
    return greeting(deadlineNs).challenge(admission, proven);
  }

  /** Tells a peer that it is refused, and waits until its device has that. */
  void refuse(Admission.Refused refused) throws IOException {
    greeting(deadlineNs).sendVerdict(refused);
    stream.flush(deadlineNs);
  }

  /**
   * Opens the memory to an admitted peer. Registering a large window takes this side seconds, which
   * the peer is not charged for: it has {@code timeoutNs} from then on.
   */
  VerbsQueuePair admit(Admission.Admitted admitted, long timeoutNs) throws IOException {
    VerbsRegion window = endpoint.register(admitted.exposed().memory(), Endpoint.REMOTE_WRITE);
    VerbsRegion ring = endpoint.register(MessageRing.allocate(), Endpoint.REMOTE_WRITE);
    Greeting greeting = greeting(System.nanoTime() + timeoutNs);
    greeting.sendVerdict(admitted);
    greeting.sendBytes(MessageRing.grant(ring));
    byte[] descriptor = window.descriptor();
    greeting.sendBytes(
        ByteBuffer.allocate(Integer.BYTES + descriptor.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(descriptor.length)
            .put(descriptor)
            .array());
    MessageRing peer = MessageRing.decode(greeting.receiveBytes(MessageRing.GRANT_BYTES));
    return establish(peer, ring, window, VerbsRemoteRegion.none(endpoint), admitted.reply());
  }

  /** The connector's side. */
  VerbsQueuePair introduce(Introduction introduction) throws IOException {
    Greeting greeting = greeting(deadlineNs);
    byte[] reply = greeting.answer(introduction);
    MessageRing peer = MessageRing.decode(greeting.receiveBytes(MessageRing.GRANT_BYTES));
    int length =
        ByteBuffer.wrap(greeting.receiveBytes(Integer.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN)
            .getInt();
    if (length < 0 || length > QueuePair.MAX_DESCRIPTOR_BYTES) {
      throw new IOException(
          "window descriptor of %d bytes; the limit is %d"
              .formatted(length, QueuePair.MAX_DESCRIPTOR_BYTES));
    }
    VerbsRemoteRegion window = VerbsRemoteRegion.decode(endpoint, greeting.receiveBytes(length));
    VerbsRegion ring = endpoint.register(MessageRing.allocate(), Endpoint.REMOTE_WRITE);
    VerbsRegion none = endpoint.register(MemorySegment.NULL, Endpoint.SOURCE_ONLY);
    greeting.sendBytes(MessageRing.grant(ring));
    return establish(peer, ring, none, window, reply);
  }

  private VerbsQueuePair establish(
      MessageRing peer,
      VerbsRegion ring,
      VerbsRegion localExposed,
      VerbsRemoteRegion remoteExposed,
      byte[] reply)
      throws IOException {
    Sender sender = new Sender(endpoint, peer, stream.sent(), stream.acknowledged());
    Receiver receiver = new Receiver(ring, stream.receives());
    VerbsQueuePair queuePair =
        new VerbsQueuePair(endpoint, watch, sender, receiver, localExposed, remoteExposed, reply);
    finish();
    return queuePair;
  }

  /** Ends it, unless it is over; any thread. */
  synchronized void cancel(String why) {
    if (!over) {
      endpoint.id().cancel(why);
      endpoint.completions().wakeup();
    }
  }

  /** From now on nobody can cancel it; false if that was so before. */
  private synchronized boolean finish() {
    boolean first = !over;
    over = true;
    return first;
  }

  /** Idempotent; does nothing to a connection that is established. */
  @Override
  public void close() throws IOException {
    if (finish()) {
      watch.stop();
      endpoint.id().disconnect();
      endpoint.close();
    }
  }
}
