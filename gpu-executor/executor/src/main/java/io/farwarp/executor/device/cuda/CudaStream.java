package io.farwarp.executor.device.cuda;

import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.DeviceInvocation;
import io.farwarp.executor.device.DeviceStream;
import io.farwarp.executor.device.ThreadEnd;
import io.farwarp.wire.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import jcuda.driver.CUevent;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * Invocations on a GPU, as the thread that posts and polls puts them there. Up to {@value #DEPTH}
 * are handed to the driver at a time; those among them that do not conflict run side by side, and
 * all are polled in the order in which they were posted.
 */
final class CudaStream implements DeviceStream {
  private static final int MASK = CAPACITY - 1;

  /** Slots, used in turns, so that invocations that share nothing run side by side. */
  static final int DEPTH = 4;

  /** Polls between two questions to the driver whether something has gone wrong. */
  private static final int POLLS_PER_LOOK = 64;

  private static final long CLOSE_LIMIT_NS = TimeUnit.SECONDS.toNanos(10);
  private static final long CLOSE_PAUSE_NS = TimeUnit.MICROSECONDS.toNanos(100);

  /* Entries are numbered from 0: `reaped <= submitted <= posted`. Entry n is in slot n % DEPTH while
   * it is submitted and not reaped. */
  private final CudaInvocation[] ring = new CudaInvocation[CAPACITY];
  private final List<CudaSlot> slots = new ArrayList<>();
  private final CudaDevice device;
  private final Runnable onEnded;
  private final Thread waiter;
  private long posted;
  private long submitted;
  private long reaped;
  private int polls;
  private @Nullable Thread user;
  private boolean isBlamed;
  private volatile @Nullable CUevent awaited;
  private volatile boolean closing;

  private CudaStream(CudaDevice device, Runnable onEnded) {
    this.device = device;
    this.onEnded = onEnded;
    this.waiter = Thread.ofPlatform().daemon().name("cuda-waiter").unstarted(this::await);
  }

  /** A stream on a device that the calling thread uses. */
  static CudaStream open(CudaDevice device, Runnable onEnded) throws DeviceException {
    CudaStream stream = new CudaStream(device, onEnded);
    try {
      for (int i = 0; i < DEPTH; i++) {
        stream.slots.add(CudaSlot.open(device, i));
      }
    } catch (DeviceException | RuntimeException | Error e) {
      stream.slots.forEach(CudaSlot::close);
      throw e;
    }
    stream.waiter.start();
    return stream;
  }

  @Override
  public Posted post(DeviceInvocation invocation, boolean callerIsFree) {
    if (posted - reaped == CAPACITY) {
      return Posted.FULL;
    }
    CudaInvocation entry = (CudaInvocation) invocation;
    entry.posted(onEnded);
    ring[(int) posted & MASK] = entry;
    posted++;
    useDevice();
    submitWaiting();
    return Posted.QUEUED;
  }

  @Override
  public void runHere(long nowNs) {
    throw new IllegalStateException("a GPU runs its invocations itself");
  }

  @Override
  public boolean movesByPolling() {
    return true;
  }

  private void useDevice() {
    Thread thread = Thread.currentThread();
    if (user != thread) {
      user = thread;
      JCudaDriver.cuCtxSetCurrent(device.context());
    }
  }

  private CudaSlot slot(long index) {
    return slots.get((int) (index % DEPTH));
  }

  private void submitWaiting() {
    while (submitted < posted
        && submitted - reaped < DEPTH
        && (submitted == reaped || slot(submitted - 1).isSubmitted())
        && device.loss() == null) {
      CudaInvocation next = ring[(int) submitted & MASK];
      CudaSlot slot = slot(submitted);
      for (long before = reaped; before < submitted; before++) {
        if (next.conflictsWith(ring[(int) before & MASK])) {
          slot.waitFor(slot(before));
        }
      }
      slot.submit(next);
      submitted++;
    }
  }

  @Override
  public @Nullable DeviceInvocation poll() {
    if (reaped == posted) {
      return null;
    }
    useDevice();
    submitWaiting();
    CudaInvocation oldest = ring[(int) reaped & MASK];
    if (reaped < submitted) {
      CudaSlot slot = slot(reaped);
      slot.submitMore();
      if (slot.hasEnded()) {
        slot.collect(System.nanoTime());
        reaped++;
        submitWaiting();
        return oldest;
      }
      look(slot, oldest);
    }
    CudaDevice.Loss loss = device.loss();
    if (loss == null) {
      return null;
    }
    endWithDevice(oldest, loss);
    reaped++;
    submitted = Math.max(submitted, reaped);
    return oldest;
  }

  private void look(CudaSlot slot, CudaInvocation oldest) {
    if (++polls % POLLS_PER_LOOK == 0) {
      slot.look();
    }
    if (oldest.isStopped() && oldest.isBeyondStopLimit(System.nanoTime())) {
      oldest.fail(Status.CANCELLED, "its kernel did not end, and a GPU's kernel cannot be stopped");
      device.hang("a kernel was stopped and did not end", Status.CANCELLED);
    }
  }

  /** The device is lost: the oldest invocation on it is taken for the cause, and none runs on. */
  private void endWithDevice(CudaInvocation invocation, CudaDevice.Loss loss) {
    if (isBlamed || reaped >= submitted) {
      invocation.fail(Status.DEVICE_FAULT, "the device was lost before: " + loss.reason());
    } else {
      long beside = submitted - reaped - 1;
      invocation.fail(
          loss.status(),
          loss.reason() + (beside == 0 ? "" : "; %d more were on the GPU".formatted(beside)));
    }
    isBlamed = true;
  }

  @Override
  public void arm() {
    if (reaped == posted) {
      return;
    }
    if (device.loss() != null || reaped == submitted || slot(reaped).hasEnded()) {
      onEnded.run();
      return;
    }
    useDevice();
    awaited = slot(reaped).recordWake();
    LockSupport.unpark(waiter);
  }

  private void await() {
    JCudaDriver.cuCtxSetCurrent(device.context());
    while (!closing) {
      CUevent event = awaited;
      if (event == null) {
        LockSupport.park(this);
      } else {
        awaited = null;
        // Whatever it answers, the thread that polls finds out about it.
        JCudaDriver.cuEventSynchronize(event);
        onEnded.run();
      }
    }
  }

  @Override
  public @Nullable String lost() {
    CudaDevice.Loss loss = device.loss();
    return loss == null ? null : loss.reason();
  }

  @Override
  public void close() {
    long deadlineNs = System.nanoTime() + CLOSE_LIMIT_NS;
    for (long i = reaped; i < posted; i++) {
      ring[(int) i & MASK].stop();
    }
    while (reaped < posted && System.nanoTime() - deadlineNs < 0) {
      if (poll() == null) {
        LockSupport.parkNanos(this, CLOSE_PAUSE_NS);
      }
    }
    closing = true;
    LockSupport.unpark(waiter);
    if (!ThreadEnd.await(waiter, deadlineNs)) {
      throw new IllegalStateException("a launch does not end, and the GPU is held by it");
    }
    useDevice();
    slots.forEach(CudaSlot::close);
  }
}
