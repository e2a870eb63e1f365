package io.farwarp.rdma.verbs.disni;

import com.ibm.disni.verbs.IbvWC;
import io.farwarp.rdma.CompletionHandler;
import io.farwarp.rdma.MemoryRegion;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.RemoteRegion;
import io.farwarp.rdma.WriteStatus;
import io.farwarp.rdma.provider.Ending;
import io.farwarp.wire.PeerText;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One end of a verbs connection: a reliable queue pair with its sending and its receiving half. */
final class VerbsQueuePair implements QueuePair {
  private static final System.Logger LOG = System.getLogger(VerbsQueuePair.class.getName());

  private final Endpoint endpoint;
  private final Completions completions;
  private final CmWatch watch;
  private final Sender sender;
  private final Receiver receiver;
  private final VerbsRegion localExposed;
  private final VerbsRemoteRegion remoteExposed;
  private final byte[] reply;
  private final Ending ending = new Ending();
  private final Drain drain;
  private final Object wakeLock = new Object();

  /** Owns the endpoint and the watch. */
  VerbsQueuePair(
      Endpoint endpoint,
      CmWatch watch,
      Sender sender,
      Receiver receiver,
      VerbsRegion localExposed,
      VerbsRemoteRegion remoteExposed,
      byte[] reply) {
    this.endpoint = endpoint;
    this.completions = endpoint.completions();
    this.watch = watch;
    this.sender = sender;
    this.receiver = receiver;
    this.localExposed = localExposed;
    this.remoteExposed = remoteExposed;
    this.reply = reply.clone();
    this.drain = new Drain(endpoint, sender);
  }

  @Override
  public String transport() {
    return "verbs";
  }

  @Override
  public boolean movesByPolling() {
    return false;
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
    if (ending.isClosed()) {
      throw new IOException("the queue pair is closed");
    }
    return endpoint.register(memory, Endpoint.REMOTE_WRITE);
  }

  @Override
  public RemoteRegion importRegion(byte[] descriptor) throws IOException {
    return VerbsRemoteRegion.decode(endpoint, descriptor);
  }

  @Override
  public @Nullable MemorySegment claimMessage() {
    return isOpen() ? sender.claim() : null;
  }

  @Override
  public void postMessage(int lengthBytes) {
    if (lengthBytes < 1 || lengthBytes > Wire.MAX_MESSAGE_BYTES) {
      throw new IndexOutOfBoundsException(
          "message of " + lengthBytes + " bytes; it takes 1 to " + Wire.MAX_MESSAGE_BYTES);
    }
    if (isOpen()) {
      sender.addMessage(lengthBytes);
      pump();
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
    if (!(source instanceof VerbsRegion from) || from.owner() != endpoint) {
      throw new IllegalArgumentException("the source region belongs to another queue pair");
    }
    if (!(target instanceof VerbsRemoteRegion to) || to.owner() != endpoint) {
      throw new IllegalArgumentException("the target region belongs to another queue pair");
    }
    Objects.checkFromIndexSize(sourceOffsetBytes, lengthBytes, from.memory().byteSize());
    Objects.checkFromIndexSize(targetOffsetBytes, lengthBytes, to.sizeBytes());
    if (!isOpen() || sender.isFull()) {
      return false;
    }
    sender.addWrite(from, sourceOffsetBytes, to, targetOffsetBytes, lengthBytes, workRequestId);
    pump();
    return true;
  }

  private void pump() {
    try {
      sender.pump();
    } catch (IOException e) {
      ending.end("posting failed: " + e.getMessage());
    }
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
    try {
      if (ending.reason() == null) {
        events += receive(handler, limit - events);
        pump();
        events += deliverWrites(handler, limit - events);
      }
      if (ending.reason() != null) {
        events += pollEnding(handler, limit - events);
      }
    } catch (IOException e) {
      ending.end("the completion queue failed: " + e.getMessage());
    }
    return events;
  }

  private int deliverWrites(CompletionHandler handler, int limit) {
    int events = 0;
    while (events < limit && !sender.completed().isEmpty()) {
      events++;
      handler.written(sender.completed().remove(), WriteStatus.OK);
    }
    return events;
  }

  private int receive(CompletionHandler handler, int limit) throws IOException {
    int events = 0;
    while (events < limit && ending.reason() == null) {
      IbvWC completion = completions.next();
      if (completion == null) {
        break;
      }
      if (completion.getWr_id() != Receives.ID) {
        sendEnded(completion);
      } else if (completion.getStatus() != WorkStatus.IBV_WC_SUCCESS) {
        ending.end(whyFlushed(completion.getStatus()));
      } else {
        events += received(completion, handler);
      }
    }
    return events;
  }

  private void sendEnded(IbvWC completion) {
    int status = completion.getStatus();
    if (status == WorkStatus.IBV_WC_SUCCESS) {
      sender.succeeded(completion.getWr_id());
      return;
    }
    sender.failed(completion.getWr_id(), status);
    ending.end(
        status == WorkStatus.IBV_WC_WR_FLUSH_ERR ? whyFlushed(status) : WorkStatus.reason(status));
  }

  private String whyFlushed(int status) {
    return watch.peerLeft()
        ? "the peer ended without a farewell"
        : "the queue pair failed, as it does when the peer writes where it must not, or leaves: "
            + WorkStatus.name(status);
  }

  private int received(IbvWC completion, CompletionHandler handler) throws IOException {
    int outcome = receiver.take(completion);
    switch (outcome) {
      case Receiver.CREDIT -> {
        if (!sender.credited()) {
          brokenByPeer("credit for messages that it was not sent");
        }
      }
      case Receiver.FAREWELL ->
          ending.end(
              receiver.reason().isEmpty()
                  ? "the peer closed the connection"
                  : "the peer ended the connection: " + receiver.reason());
      case Receiver.BROKEN -> brokenByPeer(receiver.reason());
      default -> {
        if (receiver.takeDueCredit()) {
          sender.oweCredit();
        }
        handler.message(receiver.message(), 0, outcome);
        return 1;
      }
    }
    return 0;
  }

  private void brokenByPeer(String how) {
    endLocally("the peer broke the protocol: " + how);
  }

  private void endLocally(String reason) {
    ending.end(reason);
    farewell(reason);
  }

  private void farewell(String reason) {
    try {
      sender.farewell(PeerText.encode(reason));
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "the peer left first", e);
    }
  }

  /** Hands over what the end cut off, then the end, once the device has let go of it all. */
  private int pollEnding(CompletionHandler handler, int limit) throws IOException {
    if (!drain.advance()) {
      return 0;
    }
    int events = deliverWrites(handler, limit);
    while (events < limit) {
      events++;
      long id = sender.takeUnended();
      if (id == UNSIGNALLED) {
        ending.deliver(handler);
        break;
      }
      handler.written(id, sender.unendedStatus());
    }
    return events;
  }

  @Override
  public void await(long timeoutNs) {
    if (timeoutNs <= 0 || ending.isOver()) {
      return;
    }
    try {
      if (ending.isDue()) {
        drain.await();
      } else if (sender.completed().isEmpty() && !sender.canPost()) {
        completions.await(timeoutNs);
      }
    } catch (IOException e) {
      ending.end("waiting failed: " + e.getMessage());
    }
  }

  @Override
  public void wakeup() {
    synchronized (wakeLock) {
      if (!ending.isClosed()) {
        completions.wakeup();
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
      while (!drain.advance()) {
        drain.await();
      }
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "the queue pair failed while it was closed", e);
    }
    watch.stop();
    try {
      endpoint.close();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "closing a verbs connection", e);
    }
    sender.free();
    receiver.free();
  }
}
