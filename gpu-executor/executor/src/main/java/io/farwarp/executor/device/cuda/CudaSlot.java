package io.farwarp.executor.device.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.farwarp.executor.device.DeviceException;
import io.farwarp.wire.Status;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * A place for one invocation on the GPU: a stream of its own, scratch memory, the events that time
 * it, and a word of host memory that the GPU writes when all is done, so that whoever waits reads
 * memory instead of asking the driver. Used by one thread at a time.
 */
final class CudaSlot implements AutoCloseable {
  /** Launches that are put into the stream before the first of them must have ended. */
  private static final int LAUNCHES_AT_ONCE = 256;

  private static final VarHandle MARKER = JAVA_INT.varHandle();
  private static final long PAGE_BYTES = 4096;

  private final CudaDevice device;
  private final int index;
  private final Handles.Stream stream = new Handles.Stream();
  private final CUevent start = new CUevent();
  private final CUevent copiedIn = new CUevent();
  private final CUevent ran = new CUevent();
  private final CUevent end = new CUevent();
  private final CUevent[] batchEnds = {new CUevent(), new CUevent()};
  private final CUevent[] timing = {start, copiedIn, ran, end, batchEnds[0], batchEnds[1]};

  /*
   * The only one that whoever waits for it sleeps for. Every record of such an event costs an
   * interrupt (40 us of an H100), so it is recorded only before somebody sleeps.
   */
  private final CUevent wake = new CUevent();

  private final Arena arena = Arena.ofShared();
  private final MemorySegment marker = arena.allocate(PAGE_BYTES, PAGE_BYTES);
  private final Handles.Memory markerOnDevice = new Handles.Memory();
  private final float[] milliseconds = new float[1];
  private final CudaScratch scratch;

  /* What there is to give back. */
  private boolean hasStream;
  private final List<CUevent> events = new ArrayList<>();
  private boolean isRegistered;

  private @Nullable CudaInvocation current;

  /** What the GPU writes when {@link #current} is done. */
  private int turn;

  private int batches;
  private boolean isSubmitted = true;

  /** Whether {@link #wake} stands behind all that is in the stream. */
  private boolean hasWake;

  private boolean isIdle = true;

  private CudaSlot(CudaDevice device, int index) {
    this.device = device;
    this.index = index;
    this.scratch = new CudaScratch(device.budget(), stream);
  }

  /**
   * A slot on a device that the calling thread uses.
   *
   * @param index among those of its stream, from 0
   */
  static CudaSlot open(CudaDevice device, int index) throws DeviceException {
    CudaSlot slot = new CudaSlot(device, index);
    try {
      slot.create();
      return slot;
    } catch (DeviceException | RuntimeException | Error e) {
      slot.close();
      throw e;
    }
  }

  private void create() throws DeviceException {
    device.check(
        JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING),
        "cuStreamCreate");
    hasStream = true;
    for (CUevent event : timing) {
      create(event, CUevent_flags.CU_EVENT_DEFAULT);
    }
    create(wake, CUevent_flags.CU_EVENT_BLOCKING_SYNC | CUevent_flags.CU_EVENT_DISABLE_TIMING);
    RawPointer page = RawPointer.of(marker);
    device.check(
        JCudaDriver.cuMemHostRegister(page, PAGE_BYTES, JCudaDriver.CU_MEMHOSTREGISTER_DEVICEMAP),
        "cuMemHostRegister");
    isRegistered = true;
    device.check(
        JCudaDriver.cuMemHostGetDevicePointer(markerOnDevice, page, 0),
        "cuMemHostGetDevicePointer");
  }

  private void create(CUevent event, int flags) throws DeviceException {
    device.check(JCudaDriver.cuEventCreate(event, flags), "cuEventCreate");
    events.add(event);
  }

  /** The invocation to come must not begin before the one in another slot has ended. */
  void waitFor(CudaSlot other) {
    if (!other.isIdle) {
      note(JCudaDriver.cuStreamWaitEvent(stream, other.end, 0), "cuStreamWaitEvent");
    }
  }

  /** Puts a posted invocation's work into the stream, or as much of it as may wait there. */
  void submit(CudaInvocation invocation) {
    current = invocation;
    turn++;
    batches = 0;
    hasWake = false;
    isIdle = !invocation.begin();
    isSubmitted = isIdle;
    if (isIdle) {
      return;
    }
    record(start);
    boolean isReady = hasScratch(invocation);
    if (isReady && invocation.isCopied()) {
      isReady = invocation.submitCopiesIn(stream);
      record(copiedIn);
    }
    if (isReady) {
      submitMore();
    } else {
      submitEnd(invocation);
    }
  }

  private boolean hasScratch(CudaInvocation invocation) {
    long bytes = invocation.scratchBytes();
    if (scratch.has(bytes)) {
      return true;
    }
    if (!scratch.reserve(bytes)) {
      invocation.fail(Status.RESOURCE_EXHAUSTED, "scratch takes " + device.budget().refusal(bytes));
      return false;
    }
    int result = scratch.grow(bytes);
    if (result != CUresult.CUDA_SUCCESS) {
      device.note(result, "cuMemAllocAsync");
      invocation.fail(
          CudaErrors.status(result),
          CudaErrors.text("cuMemAllocAsync of %d bytes of scratch".formatted(bytes), result));
      return false;
    }
    return true;
  }

  /** Goes on where {@link #submit} had to stop, if what waits in the stream has run far enough. */
  void submitMore() {
    CudaInvocation invocation = current;
    while (!isSubmitted && invocation != null) {
      CUevent batchEnd = batchEnds[batches & 1];
      if (batches >= batchEnds.length
          && JCudaDriver.cuEventQuery(batchEnd) == CUresult.CUDA_ERROR_NOT_READY) {
        return;
      }
      hasWake = false;
      if (invocation.submitLaunches(index, stream, scratch.address(), LAUNCHES_AT_ONCE)) {
        submitEnd(invocation);
      } else {
        record(batchEnd);
        batches++;
      }
    }
  }

  private void submitEnd(CudaInvocation invocation) {
    isSubmitted = true;
    if (invocation.isCopied()) {
      record(ran);
      if (invocation.status() == Status.OK) {
        invocation.submitCopiesOut(stream);
      }
    }
    record(end);
    note(JCudaDriver.cuStreamWriteValue32(stream, markerOnDevice, turn, 0), "cuStreamWriteValue32");
  }

  /** False while {@link #submitMore} has work left. */
  boolean isSubmitted() {
    return isSubmitted;
  }

  /** Whether all work of the invocation is done, and its results can be read. */
  boolean hasEnded() {
    return isIdle || (isSubmitted && (int) MARKER.getAcquire(marker, 0L) == turn);
  }

  /** Asks the driver whether something has gone wrong; slower than {@link #hasEnded}. */
  void look() {
    int result = JCudaDriver.cuStreamQuery(stream);
    if (result != CUresult.CUDA_ERROR_NOT_READY) {
      note(result, "a kernel");
    }
  }

  /**
   * To sleep for, with the event that it answers, until {@link #submitMore} or {@link #hasEnded}
   * tell something new. The calling thread uses the device.
   */
  CUevent recordWake() {
    if (!hasWake) {
      record(wake);
      hasWake = true;
    }
    return wake;
  }

  /** Gives the invocation that has ended its times. */
  void collect(long nowNs) {
    CudaInvocation invocation = current;
    if (invocation == null || isIdle) {
      return;
    }
    boolean isCopied = invocation.isCopied();
    long inNs = isCopied ? elapsedNs(start, copiedIn) : 0;
    long kernelNs = isCopied ? elapsedNs(copiedIn, ran) : elapsedNs(start, end);
    long outNs = isCopied ? elapsedNs(ran, end) : 0;
    invocation.timed(nowNs - inNs - kernelNs - outNs, inNs, kernelNs, outNs);
  }

  private long elapsedNs(CUevent from, CUevent to) {
    int result = JCudaDriver.cuEventElapsedTime(milliseconds, from, to);
    if (result != CUresult.CUDA_SUCCESS) {
      note(result, "cuEventElapsedTime");
      return 0;
    }
    return (long) (milliseconds[0] * 1e6);
  }

  private void record(CUevent event) {
    note(JCudaDriver.cuEventRecord(event, stream), "cuEventRecord");
  }

  /** Of a call that fails only with the device. */
  private void note(int result, String call) {
    if (result != CUresult.CUDA_SUCCESS) {
      device.lose(CudaErrors.text(call, result), CudaErrors.status(result));
    }
  }

  /** Gives everything back, unless a kernel that does not end holds it. */
  @Override
  public void close() {
    if (device.isHung()) {
      return;
    }
    if (hasStream) {
      CudaErrors.warn(scratch.close(), "cuMemFreeAsync");
      CudaErrors.warn(JCudaDriver.cuStreamSynchronize(stream), "cuStreamSynchronize");
      CudaErrors.warn(JCudaDriver.cuStreamDestroy(stream), "cuStreamDestroy");
    }
    for (CUevent event : events) {
      CudaErrors.warn(JCudaDriver.cuEventDestroy(event), "cuEventDestroy");
    }
    if (isRegistered) {
      CudaErrors.warn(
          JCudaDriver.cuMemHostUnregister(RawPointer.of(marker)), "cuMemHostUnregister");
    }
    arena.close();
  }
}
