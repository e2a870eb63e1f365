package io.farwarp.rdma;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One end of a reliable connection: posts one-sided writes and small messages, polls for what
 * arrives.
 *
 * <p>Order: writes and messages take effect at the peer in the order in which they were posted; a
 * message is delivered only when every write posted before it is visible to the peer.
 *
 * <p>Threads: one thread at a time may call anything but {@link #wakeup} and {@link #abort}, which
 * any thread may call; handing over between threads needs a happens-before edge. Nothing allocates
 * after the connection is established, except registering and importing regions.
 *
 * <p>Bounds: posting never waits. A full ring or send queue is an answer ({@code null}, {@code
 * false}); {@link #poll} makes progress and frees places.
 */
public interface QueuePair extends AutoCloseable {
  int MAX_DESCRIPTOR_BYTES = 512;

  /** Work request id of a write whose end nobody wants to hear of while the connection lives. */
  long UNSIGNALLED = 0;

  /** Writes posted and not yet ended, at most. */
  int MAX_WRITES_IN_FLIGHT = 1024;

  String transport();

  /**
   * True when the bytes of writes, this side's and the peer's, move only while this side polls;
   * false when they move without it or not at all.
   */
  boolean movesByPolling();

  /** The blob that the listener replied with; on the listener's own side, the one it sent. */
  byte[] reply();

  /**
   * The listener's exposed memory as this side reaches it; empty region on the listener's own side.
   */
  RemoteRegion remoteExposed();

  /** This side's exposed memory, registered; empty region on the connecting side. */
  MemoryRegion localExposed();

  /**
   * Registers native memory of this side as a source of writes and, unless the transport is {@code
   * shm}, a target of the peer's. Throws with the limit's name where the host refuses.
   *
   * <p>On {@code shm} the peer reaches only what both sides map: ranges of the exposed memory.
   * {@link #importRegion} refuses the descriptor of anything else.
   */
  MemoryRegion register(MemorySegment memory) throws IOException;

  /**
   * A region of the peer's from its descriptor, every field of which is checked; throws for a
   * malformed one and for memory that the transport cannot reach.
   */
  RemoteRegion importRegion(byte[] descriptor) throws IOException;

  /**
   * The place of the next outgoing message, {@link io.farwarp.wire.Wire#MAX_MESSAGE_BYTES} long,
   * write-only, content undefined; the same one until {@link #postMessage}. Null when the ring is
   * full or the connection has ended; a following {@link #await} ends when there may be a place.
   */
  @Nullable MemorySegment claimMessage();

  /**
   * Sends the first {@code lengthBytes} of the claimed place, after all that was posted before.
   * What the network does not take at once, {@link #poll} sends. Does nothing once the connection
   * has ended.
   *
   * @throws IllegalStateException no place was claimed and the ring is full
   */
  void postMessage(int lengthBytes);

  /**
   * Writes {@code lengthBytes} from a region of this side into one of the peer's. The source must
   * not change until the write has ended. Where source and target are the same pages nothing moves.
   * Zero length is allowed.
   *
   * @param workRequestId {@link #UNSIGNALLED}, or handed back by {@link CompletionHandler#written}
   * @return false if the send queue is full or the connection has ended; nothing was posted
   * @throws IndexOutOfBoundsException a range outside its region
   */
  boolean postWrite(
      MemoryRegion source,
      long sourceOffsetBytes,
      RemoteRegion target,
      long targetOffsetBytes,
      long lengthBytes,
      long workRequestId);

  /**
   * Makes progress and hands over at most {@code limit} events; never blocks.
   *
   * @return how many were handed over; negative if none was, but bytes of a large write moved
   *     meanwhile
   */
  int poll(CompletionHandler handler, int limit);

  /**
   * Blocks until {@link #poll} may have something to do, {@link #wakeup} was called, or the time
   * has passed (to about a millisecond); may return early. Without a lost wake-up: what arrives
   * between the last poll and this call ends it at once. The death of the peer's process ends it
   * within 250 ms, and a thread that polls instead notices it as soon.
   */
  void await(long timeoutNs);

  /** Ends the current or the next {@link #await}. Any thread. */
  void wakeup();

  /**
   * Breaks the connection: the owner's next poll flushes and reports {@code reason}. Any thread.
   */
  void abort(String reason);

  /** False once {@link CompletionHandler#disconnected} was reported or is due. */
  boolean isOpen();

  /**
   * Closes the connection and frees what it holds; pending writes are flushed unreported.
   * Idempotent.
   */
  @Override
  void close();
}
