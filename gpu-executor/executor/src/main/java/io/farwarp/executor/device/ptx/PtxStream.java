package io.farwarp.executor.device.ptx;

import io.farwarp.executor.device.DeviceInvocation;
import io.farwarp.executor.device.DeviceStream;
import io.farwarp.executor.device.NativeBudget;
import io.farwarp.executor.device.ThreadEnd;
import io.farwarp.ptx.PtxExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Invocations in order on the PTX CPU device. One with nothing before it runs on the posting thread
 * if it is expected to be small or that thread is free; everything else on the stream's own thread.
 */
final class PtxStream implements DeviceStream {
  /** About what handing over to a sleeping thread and being woken by it takes. */
  static final long SMALL_NS = 60_000;

  private static final int MASK = CAPACITY - 1;
  private static final long STOP_LIMIT_NS = TimeUnit.SECONDS.toNanos(10);

  /*
   * Entries are numbered from 0. `reaped <= ended <= posted`, and `handed` is how far the stream's
   * thread may go. An entry runs on the posting thread only when it is the oldest one that has not
   * ended; its number is in `inline` meanwhile, which holds the stream's thread off when another
   * thread has taken over posting before it ends. `inline` is read only after a `handed` that was
   * written after it.
   */
  private final PtxDeviceInvocation[] ring = new PtxDeviceInvocation[CAPACITY];
  private long posted;
  private long reaped;
  private volatile long handed;
  private volatile long ended;
  private long inline = -1;
  private volatile boolean closing;

  private final PtxExecutor executor;
  private final ScratchSlab scratch;
  private final Runnable onEnded;
  private final Thread thread;

  PtxStream(PtxExecutor executor, NativeBudget budget, Runnable onEnded) {
    this.executor = executor;
    this.scratch = new ScratchSlab(budget);
    this.onEnded = onEnded;
    this.thread = Thread.ofPlatform().daemon().name("ptx-stream").unstarted(this::runHanded);
  }

  void start() {
    thread.start();
  }

  @Override
  public Posted post(DeviceInvocation invocation, boolean callerIsFree) {
    long index = posted;
    if (index - reaped == CAPACITY) {
      return Posted.FULL;
    }
    PtxDeviceInvocation entry = (PtxDeviceInvocation) invocation;
    entry.posted();
    ring[(int) index & MASK] = entry;
    posted = index + 1;
    if (ended == index) {
      boolean small = entry.expectedNs() <= SMALL_NS;
      if (small || callerIsFree) {
        inline = index;
        return small ? Posted.HERE : Posted.HERE_AND_LASTING;
      }
    }
    handed = index + 1;
    LockSupport.unpark(thread);
    return Posted.QUEUED;
  }

  @Override
  public void runHere(long nowNs) {
    long index = inline;
    ring[(int) index & MASK].run(executor, scratch, nowNs);
    ended = index + 1;
    if (handed > index + 1) {
      LockSupport.unpark(thread);
    }
  }

  @Override
  public @Nullable DeviceInvocation poll() {
    if (reaped == ended) {
      return null;
    }
    int place = (int) reaped++ & MASK;
    return ring[place];
  }

  private void runHanded() {
    while (!closing) {
      long next = ended;
      if (next < handed && next != inline) {
        ring[(int) next & MASK].run(executor, scratch, System.nanoTime());
        ended = next + 1;
        onEnded.run();
      } else {
        LockSupport.park(this);
      }
    }
  }

  @Override
  public boolean movesByPolling() {
    return false;
  }

  /** Whatever ends on the stream's own thread is told anyway. */
  @Override
  public void arm() {}

  @Override
  public @Nullable String lost() {
    return null;
  }

  @Override
  public void close() {
    closing = true;
    long deadlineNs = System.nanoTime() + STOP_LIMIT_NS;
    for (long i = ended; i < posted; i++) {
      ring[(int) i & MASK].stop();
    }
    LockSupport.unpark(thread);
    if (!ThreadEnd.await(thread, deadlineNs)) {
      throw new IllegalStateException(
          "a launch did not stop within %d s".formatted(STOP_LIMIT_NS / 1_000_000_000L));
    }
    scratch.close();
  }
}
