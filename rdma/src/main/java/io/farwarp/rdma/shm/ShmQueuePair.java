package io.farwarp.rdma.shm;

import io.farwarp.rdma.CompletionHandler;
import io.farwarp.rdma.MemoryRegion;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.RemoteRegion;
import io.farwarp.rdma.WriteStatus;
import io.farwarp.rdma.linux.SharedMemory;
import io.farwarp.rdma.linux.UnixSocket;
import io.farwarp.rdma.provider.CompletedWrites;
import io.farwarp.rdma.provider.Ending;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One end of a shm connection. A write is done when it is posted: nothing moves where source and
 * target are the same pages, otherwise it is one copy into the mapped window.
 */
final class ShmQueuePair implements QueuePair {
  /** Most of a sleep while this side waits for a place in a full ring, which nobody announces. */
  private static final long FULL_RING_SLICE_NS = 1_000_000L;

  private final boolean listener;
  private final SharedMemory rings;
  private final @Nullable SharedMemory ownedWindow;
  private final MemorySegment exposed;
  private final byte[] reply;
  private final RingProducer producer;
  private final RingConsumer consumer;
  private final PeerLink link;
  private final PeerWatch watch;
  private final CompletedWrites completed = new CompletedWrites();
  private final ShmRemoteRegion remoteExposed;
  private final ShmRegion localExposed;

  private final Ending ending = new Ending();
  private final Object wakeLock = new Object();
  private final AtomicBoolean wakeRequested = new AtomicBoolean();
  private boolean unmapped;

  private int drainable;

  private ShmQueuePair(
      boolean listener,
      UnixSocket socket,
      SharedMemory rings,
      @Nullable SharedMemory ownedWindow,
      MemorySegment exposed,
      byte[] reply) {
    this.listener = listener;
    this.rings = rings;
    this.ownedWindow = ownedWindow;
    this.exposed = exposed;
    this.reply = reply.clone();
    this.link = new PeerLink(socket);
    this.watch = new PeerWatch(link, this::wakeSleeper);
    int out = listener ? RingLayout.LISTENER_TO_CONNECTOR : RingLayout.CONNECTOR_TO_LISTENER;
    this.producer = new RingProducer(RingLayout.direction(rings.segment(), out));
    this.consumer = new RingConsumer(RingLayout.direction(rings.segment(), 1 - out));
    MemorySegment none = MemorySegment.NULL;
    this.remoteExposed = new ShmRemoteRegion(this, listener ? none : exposed);
    MemorySegment local = listener ? exposed : none;
    this.localExposed = new ShmRegion(local, new RegionDescriptor(true, 0, local.byteSize()));
  }

  static ShmQueuePair listening(
      UnixSocket socket, SharedMemory rings, MemorySegment exposed, byte[] reply) {
    return new ShmQueuePair(true, socket, rings, null, exposed, reply).watched();
  }

  static ShmQueuePair connecting(
      UnixSocket socket, SharedMemory rings, SharedMemory window, byte[] reply) {
    return new ShmQueuePair(false, socket, rings, window, window.segment(), reply).watched();
  }

  private ShmQueuePair watched() {
    watch.start();
    return this;
  }

  @Override
  public String transport() {
    return "shm";
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
  public MemoryRegion register(MemorySegment memory) {
    if (!memory.isNative()) {
      throw new IllegalArgumentException("a region is native memory; this is on the Java heap");
    }
    long offset = memory.address() - exposed.address();
    long size = memory.byteSize();
    boolean inside =
        offset >= 0 && size <= exposed.byteSize() && offset <= exposed.byteSize() - size;
    return new ShmRegion(memory, new RegionDescriptor(inside, inside ? offset : 0, size));
  }

  @Override
  public RemoteRegion importRegion(byte[] descriptor) throws IOException {
    RegionDescriptor place = RegionDescriptor.decode(descriptor, exposed.byteSize());
    return new ShmRemoteRegion(this, exposed.asSlice(place.offsetBytes(), place.lengthBytes()));
  }

  @Override
  public @Nullable MemorySegment claimMessage() {
    return isOpen() ? producer.claim() : null;
  }

  @Override
  public void postMessage(int lengthBytes) {
    if (lengthBytes < 1 || lengthBytes > Wire.MAX_MESSAGE_BYTES) {
      throw new IndexOutOfBoundsException(
          "message of " + lengthBytes + " bytes; it takes 1 to " + Wire.MAX_MESSAGE_BYTES);
    }
    if (!ending.isClosed()) {
      producer.post(lengthBytes);
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
    MemorySegment from = source.memory();
    if (!(target instanceof ShmRemoteRegion region) || region.owner() != this) {
      throw new IllegalArgumentException("the target region belongs to another queue pair");
    }
    MemorySegment to = region.pages();
    Objects.checkFromIndexSize(sourceOffsetBytes, lengthBytes, from.byteSize());
    Objects.checkFromIndexSize(targetOffsetBytes, lengthBytes, to.byteSize());
    if (!isOpen() || completed.isFull()) {
      return false;
    }
    if (from.address() + sourceOffsetBytes != to.address() + targetOffsetBytes) {
      MemorySegment.copy(from, sourceOffsetBytes, to, targetOffsetBytes, lengthBytes);
    }
    if (workRequestId != UNSIGNALLED) {
      completed.add(workRequestId);
    }
    return true;
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
    while (events < limit && (ending.reason() == null || drainable > 0)) {
      int length = consumer.take();
      if (length == 0) {
        break;
      }
      drainable--;
      events++;
      handler.message(consumer.message(), 0, length);
    }
    if (events > 0) {
      return events;
    }
    return pollIdle(handler, limit);
  }

  private int deliverWrites(CompletionHandler handler, int limit) {
    int events = 0;
    while (events < limit && !completed.isEmpty()) {
      events++;
      handler.written(completed.remove(), WriteStatus.OK);
    }
    return events;
  }

  /** Nothing arrived: looks after the connection itself. */
  private int pollIdle(CompletionHandler handler, int limit) {
    if (ending.reason() == null) {
      String fault = consumer.fault() == null ? producer.fault() : consumer.fault();
      if (fault != null) {
        endLocally(fault);
      } else if (watch.stirred()) {
        checkPeer();
      }
      return 0;
    }
    if (limit < 1) {
      return 0;
    }
    ending.deliver(handler);
    return 1;
  }

  private void endLocally(String reason) {
    ending.end(reason);
    drainable = 0;
    link.tell(reason);
  }

  private void checkPeer() {
    String reason = watch.failure() == null ? link.endOfPeer() : watch.failure();
    if (reason != null) {
      ending.end(reason);
      drainable = Wire.RING_DEPTH; // What it posted before its end is still there, and no more.
    }
  }

  @Override
  public void await(long timeoutNs) {
    if (timeoutNs <= 0 || somethingToDo()) {
      return;
    }
    consumer.announceSleep();
    if (!wakeRequested.get() && !somethingToDo()) {
      sleep(timeoutNs);
    }
    consumer.endSleep();
    wakeRequested.getAndSet(false); // The read makes visible what the waker did before.
  }

  private void sleep(long timeoutNs) {
    if (producer.stillFull()) {
      consumer.sleep(Math.min(timeoutNs, FULL_RING_SLICE_NS));
    } else if (timeoutNs < PeerWatch.LEAST_ALARM_NS) {
      consumer.sleep(timeoutNs);
    } else {
      watch.setAlarm(timeoutNs);
      consumer.sleep();
      watch.clearAlarm();
    }
  }

  private boolean somethingToDo() {
    return ending.isDue()
        || watch.stirred()
        || !completed.isEmpty()
        || consumer.ready()
        || consumer.fault() != null
        || producer.fault() != null;
  }

  @Override
  public void wakeup() {
    wakeRequested.set(true);
    wakeSleeper();
  }

  private void wakeSleeper() {
    synchronized (wakeLock) {
      if (!unmapped) {
        consumer.wakeSelf();
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
    ending.close();
    if (ending.reason() == null) {
      link.tell(Objects.requireNonNullElse(ending.untoldAbort(), ""));
    }
    link.shutdown();
    watch.join();
    link.close();
    synchronized (wakeLock) {
      unmapped = true;
    }
    rings.close();
    if (ownedWindow != null) {
      ownedWindow.close();
    }
  }

  @Override
  public String toString() {
    return "shm " + (listener ? "listener's" : "connector's") + " end of " + link;
  }
}
