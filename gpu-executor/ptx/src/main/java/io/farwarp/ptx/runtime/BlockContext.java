package io.farwarp.ptx.runtime;

import io.farwarp.ptx.PtxFault;
import io.farwarp.ptx.PtxOutput;
import io.farwarp.ptx.StopSignal;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What generated code knows about where it runs: one for each worker thread of a launch. The public
 * fields are read by generated code; the methods are its slow paths.
 */
public final class BlockContext {
  /** Loop iterations between two looks at the stop signal. */
  public static final int POLL_INTERVAL = 4096;

  public int blockX;
  public int blockY;
  public int blockZ;
  public int gridX;
  public int gridY;
  public int gridZ;
  public int threadsX;
  public int threadsY;
  public int threadsZ;

  /** The thread that runs, kept for device functions and for faults. */
  public int threadX;

  public int threadY;
  public int threadZ;

  /** The parameter block of the launch. */
  public final MemorySegment parameters;

  /** Native address of {@link #parameters}. */
  public final long parametersBase;

  /** For each kernel parameter the memory it points to, or an empty segment. */
  public final MemorySegment[] pointers;

  /** The module's variables. */
  public final MemorySegment[] variables;

  /**
   * Local memory, reused from thread to thread; of a kernel with stops, the memory of calls, which
   * threads use in turn, and behind it the frames of all threads of the block.
   */
  public MemorySegment local = MemorySegment.NULL;

  /** Native address of {@link #local}, which makes its offsets generic addresses. */
  public long localBase;

  /** Where the memory of calls ends. */
  private long callLimit;

  /** Added to a shared offset it makes a generic address, where no native memory can be. */
  public static final long SHARED_BASE = 1L << 60;

  /** The block's shared memory, of exactly the size that it may use. */
  public int[] sharedWords = {};

  /** {@link #sharedWords} as a segment. */
  public MemorySegment shared = MemorySegment.ofArray(sharedWords);

  /** How much of {@link #shared} the launch has asked for beyond what the kernel declares. */
  public int dynamicSharedBytes;

  private final @Nullable BlockThreads threads;

  /** Where the kernel prints to. */
  public PtxOutput output = PtxOutput.ofAtMost(0);

  private final DeviceHeap heap;
  private final Allocations allocations;
  private final Cancellation cancellation;

  public BlockContext(
      MemorySegment parameters,
      MemorySegment[] pointers,
      MemorySegment[] variables,
      DeviceHeap heap,
      @Nullable BlockThreads threads,
      Allocations allocations,
      Cancellation cancellation) {
    this.parameters = parameters;
    this.parametersBase = parameters.address();
    this.pointers = pointers;
    this.variables = variables;
    this.heap = heap;
    this.threads = threads;
    this.allocations = allocations;
    this.cancellation = cancellation;
  }

  /** Changes the memory that each block has for itself. */
  public void give(MemorySegment local, long callLimit, int[] sharedWords) {
    this.local = local;
    this.localBase = local.address();
    this.callLimit = callLimit;
    this.sharedWords = sharedWords;
    this.shared = MemorySegment.ofArray(sharedWords);
  }

  /** What the threads keep while they are stopped; only for a kernel with stops. */
  public BlockThreads threads() {
    return Objects.requireNonNull(threads);
  }

  /** As {@link #threads()}, or null for a kernel that has no stops. */
  public @Nullable BlockThreads threadsOrNull() {
    return threads;
  }

  /** Why a running launch should end early: the caller's signal, or a fault in another block. */
  public static final class Cancellation {
    private static final StopSignal NEVER = new StopSignal();

    private volatile boolean cancelled;
    private StopSignal signal = NEVER;

    public void arm(StopSignal signal) {
      this.signal = signal;
      if (cancelled) {
        cancelled = false;
      }
    }

    public void cancel() {
      cancelled = true;
    }

    public boolean isCancelled() {
      return cancelled || signal.isStopped();
    }
  }

  public boolean isCancelled() {
    return cancellation.isCancelled();
  }

  /** Calls until the next look at the stop signal. */
  private int callsToPoll;

  /** Called from loops every {@link #POLL_INTERVAL} iterations; gives the next interval. */
  public int poll() {
    if (cancellation.isCancelled()) {
      throw new DeviceTrap(PtxFault.Kind.STOPPED, 0, 0);
    }
    return POLL_INTERVAL;
  }

  public void atThread(int x, int y, int z) {
    threadX = x;
    threadY = y;
    threadZ = z;
  }

  /** As {@link #atThread(int, int, int)}, by linear index. */
  public void atThread(int thread) {
    int row = thread / threadsX;
    atThread(thread % threadsX, row % threadsY, row / threadsY);
  }

  /** The fault of a {@code trap} instruction, for generated code to throw. */
  public DeviceTrap trap(int line) {
    return new DeviceTrap(PtxFault.Kind.TRAP, line, 0);
  }

  public int linearThread() {
    return (threadZ * threadsY + threadY) * threadsX + threadX;
  }

  /** Where an address stands in the segment that {@link #locate} has found for it. */
  static long offset(MemorySegment segment, long address) {
    return address - (segment.isNative() ? segment.address() : SHARED_BASE);
  }

  /**
   * The segment that holds all of a range, given by generic address, which is aligned to the size.
   * The shared one knows no alignment to more than 4 bytes.
   */
  MemorySegment locate(long address, int sizeBytes, int line) {
    requireAligned(address, sizeBytes, line);
    int found = allocations.find(address, sizeBytes);
    if (found >= 0) {
      return allocations.segment(found);
    }
    long offset = address - localBase;
    if (offset >= 0 && offset <= local.byteSize() - sizeBytes) {
      return local;
    }
    if (isShared(address, sizeBytes)) {
      return shared;
    }
    throw new DeviceTrap(PtxFault.Kind.ILLEGAL_ADDRESS, line, address);
  }

  private boolean isShared(long address, int sizeBytes) {
    long offset = address - SHARED_BASE;
    return offset >= 0 && offset <= shared.byteSize() - sizeBytes;
  }

  /** Whether a generic address lies in the shared window. */
  public boolean isShared(long address) {
    return isShared(address, 1);
  }

  /** Whether a generic address lies in the local window. */
  public boolean isLocal(long address) {
    long offset = address - localBase;
    return offset >= 0 && offset < local.byteSize();
  }

  /** Whether a generic address lies in a constant variable. */
  public boolean isConstant(long address) {
    int found = allocations.find(address, 1);
    return found >= 0 && allocations.segment(found).isReadOnly() && !isParameter(address);
  }

  /** Whether a generic address lies in the parameters of the kernel. */
  public boolean isParameter(long address) {
    long offset = address - parametersBase;
    return offset >= 0 && offset < parameters.byteSize();
  }

  /** Whether a generic address lies in the global window, which holds all but the block's own. */
  public boolean isGlobal(long address) {
    return !isShared(address) && !isLocal(address);
  }

  MemorySegment locateWritable(long address, int sizeBytes, int line) {
    MemorySegment segment = locate(address, sizeBytes, line);
    if (segment.isReadOnly()) {
      throw new DeviceTrap(PtxFault.Kind.ILLEGAL_ADDRESS, line, address);
    }
    return segment;
  }

  public void requireAligned(long address, int alignBytes, int line) {
    if ((address & (alignBytes - 1)) != 0) {
      throw new DeviceTrap(PtxFault.Kind.MISALIGNED_ADDRESS, line, address);
    }
  }

  /** The fault of an access to local, shared or parameter memory that failed. */
  public DeviceTrap privateFault(long address, int alignBytes, int line) {
    requireAligned(address, alignBytes, line);
    return new DeviceTrap(PtxFault.Kind.ILLEGAL_ADDRESS, line, address);
  }

  /**
   * The frame of a call, after a check that local memory holds it. Calls poll too: functions that
   * call each other can go on for ever without a loop.
   */
  public long enter(long frame, int frameBytes, int line) {
    if (--callsToPoll < 0) {
      callsToPoll = POLL_INTERVAL;
      poll();
    }
    if (frame + frameBytes > callLimit) {
      throw new DeviceTrap(PtxFault.Kind.STACK_OVERFLOW, line, frame);
    }
    return frame;
  }

  /** Local memory beyond the end of a frame: the start of what was asked for. */
  public long allocate(long end, long bytes, long align, int line) {
    long start = (end + align - 1) & -align;
    if (bytes < 0 || bytes > local.byteSize() || start + bytes > local.byteSize()) {
      throw new DeviceTrap(PtxFault.Kind.STACK_OVERFLOW, line, start);
    }
    return start;
  }

  /** What {@code exit} in a device function throws. */
  public ThreadExit exitThread() {
    return new ThreadExit();
  }

  /** The fault of a branch or a call through a register, for generated code to throw. */
  public DeviceTrap invalidTarget(long address, int line) {
    return new DeviceTrap(PtxFault.Kind.INVALID_TARGET, line, address);
  }

  /** {@code vprintf}: the arguments stand at these places in local memory. */
  public void print(long result, long format, long arguments, int line) {
    int used =
        SystemCalls.print(
            this,
            local.get(ValueLayout.JAVA_LONG, format),
            local.get(ValueLayout.JAVA_LONG, arguments),
            line);
    local.set(ValueLayout.JAVA_INT, result, used);
  }

  /** {@code __assertfail}: the arguments stand at these places in local memory. */
  public void failAssertion(
      long message, long file, long fileLine, long function, long charSize, int line) {
    throw SystemCalls.assertion(
        this,
        local.get(ValueLayout.JAVA_LONG, message),
        local.get(ValueLayout.JAVA_LONG, file),
        local.get(ValueLayout.JAVA_INT, fileLine),
        local.get(ValueLayout.JAVA_LONG, function),
        line);
  }

  /** {@code malloc}: result and argument stand at these places in local memory. */
  public void allocateOnHeap(long result, long size, int line) {
    local.set(ValueLayout.JAVA_LONG, result, heap.allocate(local.get(ValueLayout.JAVA_LONG, size)));
  }

  /** {@code free}: the argument stands at this place in local memory. */
  public void releaseOnHeap(long memory, int line) {
    long address = local.get(ValueLayout.JAVA_LONG, memory);
    if (address != 0 && !heap.release(address)) {
      throw new DeviceTrap(PtxFault.Kind.ILLEGAL_ADDRESS, line, address);
    }
  }

  public byte loadByte(long address, int line) {
    MemorySegment segment = locate(address, 1, line);
    return segment.get(ValueLayout.JAVA_BYTE, offset(segment, address));
  }

  public short loadShort(long address, int line) {
    MemorySegment segment = locate(address, 2, line);
    return segment.get(ValueLayout.JAVA_SHORT, offset(segment, address));
  }

  public int loadInt(long address, int line) {
    MemorySegment segment = locate(address, 4, line);
    return segment.get(ValueLayout.JAVA_INT, offset(segment, address));
  }

  public long loadLong(long address, int line) {
    MemorySegment segment = locate(address, 8, line);
    return segment.get(ValueLayout.JAVA_LONG_UNALIGNED, offset(segment, address));
  }

  public float loadFloat(long address, int line) {
    MemorySegment segment = locate(address, 4, line);
    return segment.get(ValueLayout.JAVA_FLOAT, offset(segment, address));
  }

  public double loadDouble(long address, int line) {
    MemorySegment segment = locate(address, 8, line);
    return segment.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, offset(segment, address));
  }

  public void storeByte(long address, byte value, int line) {
    MemorySegment segment = locateWritable(address, 1, line);
    segment.set(ValueLayout.JAVA_BYTE, offset(segment, address), value);
  }

  public void storeShort(long address, short value, int line) {
    MemorySegment segment = locateWritable(address, 2, line);
    segment.set(ValueLayout.JAVA_SHORT, offset(segment, address), value);
  }

  public void storeInt(long address, int value, int line) {
    MemorySegment segment = locateWritable(address, 4, line);
    segment.set(ValueLayout.JAVA_INT, offset(segment, address), value);
  }

  public void storeLong(long address, long value, int line) {
    MemorySegment segment = locateWritable(address, 8, line);
    segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset(segment, address), value);
  }

  public void storeFloat(long address, float value, int line) {
    MemorySegment segment = locateWritable(address, 4, line);
    segment.set(ValueLayout.JAVA_FLOAT, offset(segment, address), value);
  }

  public void storeDouble(long address, double value, int line) {
    MemorySegment segment = locateWritable(address, 8, line);
    segment.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, offset(segment, address), value);
  }
}
