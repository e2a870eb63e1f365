package io.farwarp.rdma.verbs.disni;

import com.ibm.disni.verbs.IbvCQ;
import com.ibm.disni.verbs.IbvCompChannel;
import com.ibm.disni.verbs.IbvContext;
import com.ibm.disni.verbs.IbvWC;
import com.ibm.disni.verbs.SVCPollCq;
import com.ibm.disni.verbs.SVCReqNotify;
import com.ibm.disni.verbs.impl.NatIbvCompChannel;
import io.farwarp.rdma.linux.EventFd;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * One completion queue for both directions of a queue pair, and the channel that wakes who waits
 * for it. Its calls are prepared once and allocate nothing. One thread, but for {@link #wakeup}.
 */
final class Completions implements AutoCloseable {
  private static final int BATCH = 16;
  private static final long NANOS_PER_MILLI = 1_000_000L;

  private final IbvCompChannel channel;
  private final long channelAddress;
  private final IbvCQ queue;
  private final EventFd wake;
  private final IbvWC[] batch = new IbvWC[BATCH];
  private final SVCPollCq poll;
  private final SVCReqNotify arm;
  private int next;
  private int count;

  private Completions(IbvCompChannel channel, IbvCQ queue, EventFd wake) throws IOException {
    this.channel = channel;
    this.channelAddress = ((NatIbvCompChannel) channel).getObjId();
    this.queue = queue;
    this.wake = wake;
    for (int i = 0; i < BATCH; i++) {
      batch[i] = new IbvWC();
    }
    this.poll = queue.poll(batch, BATCH);
    this.arm = queue.reqNotification(false);
  }

  /**
   * @param entries the most that can be there at once
   */
  static Completions create(IbvContext device, int entries) throws IOException {
    try (Cleanup cleanup = new Cleanup()) {
      IbvCompChannel channel = device.createCompChannel();
      cleanup.add(channel::destroyCompChannel);
      IbvCQ queue = device.createCQ(channel, entries, 0);
      cleanup.add(queue::destroyCQ);
      EventFd wake = cleanup.closing(new EventFd());
      Completions created = new Completions(channel, queue, wake);
      cleanup.keep();
      return created;
    }
  }

  IbvCQ queue() {
    return queue;
  }

  /**
   * The next completion, valid until the next call; null if there is none. After a batch that was
   * not full it answers null once without another look, which would only hold up the caller who has
   * this batch to act on.
   */
  @Nullable IbvWC next() throws IOException {
    if (!isBuffered() && (wasLast() || !fetch())) {
      return null;
    }
    return batch[next++];
  }

  /** Whether the last look found less than it had room for, and all of that was taken; once. */
  private boolean wasLast() {
    boolean last = count > 0 && count < BATCH;
    count = 0;
    next = 0;
    return last;
  }

  /** Whether a completion was fetched and not yet taken. */
  boolean isBuffered() {
    return next < count;
  }

  private boolean fetch() throws IOException {
    next = 0;
    count = 0;
    count = poll.execute().getPolls();
    return count > 0;
  }

  /**
   * Until {@link #next} has one, {@link #wakeup} was called or the time has passed; may return
   * early. A completion that comes between the last {@link #next} and this ends it at once: the
   * queue is armed first and then looked at once more.
   */
  void await(long timeoutNs) throws IOException {
    if (isBuffered()) {
      return;
    }
    arm.execute();
    if (!fetch()) {
      long timeoutMs = Math.min(Math.ceilDiv(timeoutNs, NANOS_PER_MILLI), Integer.MAX_VALUE);
      NativeVerbs.awaitCompletion(channelAddress, wake.descriptor(), (int) timeoutMs);
    }
  }

  /** Ends the current or the next {@link #await}; any thread, not after {@link #close}. */
  void wakeup() {
    wake.signal();
  }

  /** After the queue pair. */
  @Override
  public void close() throws IOException {
    try (Cleanup cleanup = new Cleanup()) {
      cleanup.add(channel::destroyCompChannel);
      cleanup.add(queue::destroyCQ);
      cleanup.closing(wake);
    }
    poll.free();
    arm.free();
  }
}
