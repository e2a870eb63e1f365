package io.farwarp.rdma.tcp;

import io.farwarp.rdma.CompletionHandler;
import io.farwarp.rdma.MemoryRegion;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.RemoteRegion;
import io.farwarp.rdma.WriteStatus;
import io.farwarp.rdma.provider.Ending;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One end of a tcp connection: a non-blocking socket with its sending and its receiving half. */
final class TcpQueuePair implements QueuePair {
  private static final System.Logger LOG = System.getLogger(TcpQueuePair.class.getName());

  /** System calls that one poll or post spends in a direction, each of one chunk at most. */
  private static final int CALLS_PER_POLL = 2;

  private static final long NANOS_PER_MILLI = 1_000_000L;

  private final TcpStream stream;
  private final Selector selector;
  private final byte[] reply;
  private final RegionTable regions = new RegionTable();
  private final Outbound outbound;
  private final Inbound inbound;
  private final TcpRegion localExposed;
  private final TcpRemoteRegion remoteExposed;
  private final Ending ending = new Ending();

  private final Object wakeLock = new Object();

  private int interest;
  private @Nullable String sendFailure;

  private TcpQueuePair(
      TcpStream stream, MemorySegment exposed, byte @Nullable [] peerExposed, byte[] reply)
      throws IOException {
    this.stream = stream;
    this.selector = stream.selector();
    this.reply = reply.clone();
    this.outbound = new Outbound(stream.channel());
    this.inbound = new Inbound(stream.channel(), regions);
    this.localExposed = regions.add(exposed);
    this.remoteExposed =
        peerExposed == null
            ? new TcpRemoteRegion(this, 0, 0)
            : TcpRemoteRegion.decode(this, peerExposed);
    stream.key().interestOps(0);
  }

  /** The queue pair owns the stream once the constructor has returned. */
  static TcpQueuePair listening(TcpStream stream, MemorySegment exposed, byte[] reply)
      throws IOException {
    return new TcpQueuePair(stream, exposed, null, reply);
  }

  static TcpQueuePair connecting(TcpStream stream, byte[] peerExposed, byte[] reply)
      throws IOException {
    return new TcpQueuePair(stream, MemorySegment.NULL, peerExposed, reply);
  }

  @Override
  public String transport() {
    return "tcp";
  }

  @Override
  public boolean movesByPolling() {
    return true;
  }

  @Override
  public byte[] reply() {
    return reply.clone();
  }

  @Override
  public RemoteRegion remoteExposed() {
    return remoteExposed;
  }

  @Override
  public MemoryRegion localExposed() {
    return localExposed;
  }

  @Override
  public MemoryRegion register(MemorySegment memory) throws IOException {
    if (!memory.isNative()) {
      throw new IllegalArgumentException("a region is native memory; this is on the Java heap");
    }
    return regions.add(memory);
  }

  @Override
  public RemoteRegion importRegion(byte[] descriptor) throws IOException {
    return TcpRemoteRegion.decode(this, descriptor);
  }

  @Override
  public @Nullable MemorySegment claimMessage() {
    return isOpen() ? outbound.queue().claim() : null;
  }

  @Override
  public void postMessage(int lengthBytes) {
    if (lengthBytes < 1 || lengthBytes > Wire.MAX_MESSAGE_BYTES) {
      throw new IndexOutOfBoundsException(
          "message of " + lengthBytes + " bytes; it takes 1 to " + Wire.MAX_MESSAGE_BYTES);
    }
    if (isOpen()) {
      outbound.queue().addMessage(lengthBytes);
      flush(CALLS_PER_POLL);
    }
  }

  @Override
  public boolean postWrite(
      MemoryRegion source,
      long sourceOffsetBytes,
      RemoteRegion target,
      long targetOffsetBytes,
      long lengthBytes,
      long workRequestId) {
    if (!(source instanceof TcpRegion from) || from.table() != regions) {
      throw new IllegalArgumentException("the source region belongs to another queue pair");
    }
    if (!(target instanceof TcpRemoteRegion to) || to.owner() != this) {
      throw new IllegalArgumentException("the target region belongs to another queue pair");
    }
    Objects.checkFromIndexSize(sourceOffsetBytes, lengthBytes, from.memory().byteSize());
    Objects.checkFromIndexSize(targetOffsetBytes, lengthBytes, to.sizeBytes());
    if (!isOpen() || outbound.isFull()) {
      return false;
    }
    outbound
        .queue()
        .addWrite(from, sourceOffsetBytes, to, targetOffsetBytes, lengthBytes, workRequestId);
    return true;
  }

  /** Sends what the socket takes; a failure shows once what the peer had sent before is read. */
  private boolean flush(int calls) {
    if (sendFailure != null) {
      return false;
    }
    try {
      return outbound.flush(calls);
    } catch (IOException e) {
      sendFailure = "sending failed: " + e.getMessage();
    } catch (IllegalStateException e) {
      sendFailure = "the memory of a posted write was closed before the write had ended";
      LOG.log(Level.DEBUG, sendFailure, e);
    }
    return false;
  }

  @Override
  public int poll(CompletionHandler handler, int limit) {
    if (ending.isOver()) {
      return 0;
    }
    int events = deliverWrites(handler, limit);
    String aborted = ending.untoldAbort();
    if (aborted != null) {
      endLocally(aborted);
    }
    if (ending.reason() != null) {
      return events + pollEnding(handler, limit - events);
    }
    boolean moved = !outbound.isIdle() && flush(CALLS_PER_POLL);
    int received = receive(handler, limit - events);
    events += Math.max(received, 0);
    return events > 0 ? events : moved ? -1 : received;
  }

  private int deliverWrites(CompletionHandler handler, int limit) {
    int events = 0;
    while (events < limit && !outbound.completed().isEmpty()) {
      events++;
      handler.written(outbound.completed().remove(), WriteStatus.OK);
    }
    return events;
  }

  /** Messages handed over; negative if there was none but bytes came. */
  private int receive(CompletionHandler handler, int limit) {
    boolean moved = false;
    int events = inbound.deliver(handler, limit);
    for (int i = 0; i < CALLS_PER_POLL && events == 0 && !inbound.frameWaits(); i++) {
      if (!receiveOnce()) {
        break;
      }
      moved = true;
      events = inbound.deliver(handler, limit);
    }
    if (inbound.end() != null) {
      endFromPeer(Objects.requireNonNull(inbound.end()));
    }
    return events == 0 && moved ? -1 : events;
  }

  /** Whether bytes came. */
  private boolean receiveOnce() {
    if (inbound.end() != null) {
      return false;
    }
    try {
      int received = inbound.receive();
      if (received == 0 && inbound.end() == null && sendFailure != null) {
        ending.end(sendFailure);
      }
      return received > 0;
    } catch (IOException e) {
      ending.end(sendFailure == null ? "receiving failed: " + e.getMessage() : sendFailure);
    } catch (IllegalStateException e) {
      endLocally("the memory of a registered region was closed while the peer wrote to it");
      LOG.log(Level.DEBUG, ending.reason(), e);
    }
    return false;
  }

  private void endFromPeer(String reason) {
    if (ending.reason() == null) {
      ending.end(reason);
      if (inbound.brokenByPeer()) {
        farewell(reason);
      }
    }
  }

  private void endLocally(String reason) {
    ending.end(reason);
    farewell(reason);
  }

  private void farewell(String reason) {
    if (sendFailure != null) {
      return;
    }
    try {
      outbound.farewell(reason);
    } catch (IOException | IllegalStateException e) {
      LOG.log(Level.DEBUG, "the peer left first", e);
    }
  }

  /** Hands over what the end cut off, then the end. */
  private int pollEnding(CompletionHandler handler, int limit) {
    int events = 0;
    while (events < limit) {
      events++;
      long id = outbound.takeFlushed();
      if (id == UNSIGNALLED) {
        ending.deliver(handler);
        break;
      }
      handler.written(id, WriteStatus.FLUSHED);
    }
    return events;
  }

  @Override
  public void await(long timeoutNs) {
    if (timeoutNs <= 0 || somethingToDo()) {
      return;
    }
    int wanted = SelectionKey.OP_READ | (outbound.isIdle() ? 0 : SelectionKey.OP_WRITE);
    if (wanted != interest) {
      interest = wanted;
      stream.key().interestOps(wanted);
    }
    try {
      selector.select(TcpQueuePair::noted, Math.ceilDiv(timeoutNs, NANOS_PER_MILLI));
    } catch (IOException e) {
      ending.end("waiting failed: " + e.getMessage());
    }
  }

  /** The poll that follows looks for itself; a consumer spares the selector its set of keys. */
  private static void noted(SelectionKey ready) {}

  private boolean somethingToDo() {
    return ending.isDue()
        || inbound.frameWaits()
        || sendFailure != null
        || !outbound.completed().isEmpty();
  }

  @Override
  public void wakeup() {
    synchronized (wakeLock) {
      if (!ending.isClosed()) {
        selector.wakeup();
      }
    }
  }

  @Override
  public void abort(String reason) {
    if (ending.abort(reason)) {
      wakeup();
    }
  }

  @Override
  public boolean isOpen() {
    return ending.isOpen();
  }

  @Override
  public void close() {
    if (ending.isClosed()) {
      return;
    }
    if (ending.reason() == null) {
      farewell(Objects.requireNonNullElse(ending.untoldAbort(), ""));
    }
    synchronized (wakeLock) {
      ending.close();
    }
    try {
      stream.close();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "closing a socket", e);
    }
  }
}
