package io.farwarp.ptx.runtime;

import io.farwarp.ptx.PtxFault;
import io.farwarp.ptx.PtxOutput;
import io.farwarp.ptx.StopSignal;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

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

  /** The thread's local memory, reused from thread to thread. */
  public final MemorySegment local;

  /** Native address of {@link #local}, which makes its offsets generic addresses. */
  public final long localBase;

  /** Where the kernel prints to. */
  public PtxOutput output = PtxOutput.ofAtMost(0);

  private final Allocations allocations;
  private final Cancellation cancellation;

  public BlockContext(
      MemorySegment parameters,
      MemorySegment[] pointers,
      MemorySegment[] variables,
      MemorySegment local,
      Allocations allocations,
      Cancellation cancellation) {
    this.parameters = parameters;
    this.parametersBase = parameters.address();
    this.pointers = pointers;
    this.variables = variables;
    this.local = local;
    this.localBase = local.address();
    this.allocations = allocations;
    this.cancellation = cancellation;
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

  /** The fault of a {@code trap} instruction, for generated code to throw. */
  public DeviceTrap trap(int line) {
    return new DeviceTrap(PtxFault.Kind.TRAP, line, 0);
  }

  public int linearThread() {
    return (threadZ * threadsY + threadY) * threadsX + threadX;
  }

  /** The segment that holds all of a range, given by generic address. */
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
    throw new DeviceTrap(PtxFault.Kind.ILLEGAL_ADDRESS, line, address);
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

  /** The fault of an access to local or parameter memory that failed. */
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
    if (frame + frameBytes > local.byteSize()) {
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

  public byte loadByte(long address, int line) {
    MemorySegment segment = locate(address, 1, line);
    return segment.get(ValueLayout.JAVA_BYTE, address - segment.address());
  }

  public short loadShort(long address, int line) {
    MemorySegment segment = locate(address, 2, line);
    return segment.get(ValueLayout.JAVA_SHORT, address - segment.address());
  }

  public int loadInt(long address, int line) {
    MemorySegment segment = locate(address, 4, line);
    return segment.get(ValueLayout.JAVA_INT, address - segment.address());
  }

  public long loadLong(long address, int line) {
    MemorySegment segment = locate(address, 8, line);
    return segment.get(ValueLayout.JAVA_LONG, address - segment.address());
  }

  public float loadFloat(long address, int line) {
    MemorySegment segment = locate(address, 4, line);
    return segment.get(ValueLayout.JAVA_FLOAT, address - segment.address());
  }

  public double loadDouble(long address, int line) {
    MemorySegment segment = locate(address, 8, line);
    return segment.get(ValueLayout.JAVA_DOUBLE, address - segment.address());
  }

  public void storeByte(long address, byte value, int line) {
    MemorySegment segment = locateWritable(address, 1, line);
    segment.set(ValueLayout.JAVA_BYTE, address - segment.address(), value);
  }

  public void storeShort(long address, short value, int line) {
    MemorySegment segment = locateWritable(address, 2, line);
    segment.set(ValueLayout.JAVA_SHORT, address - segment.address(), value);
  }

  public void storeInt(long address, int value, int line) {
    MemorySegment segment = locateWritable(address, 4, line);
    segment.set(ValueLayout.JAVA_INT, address - segment.address(), value);
  }

  public void storeLong(long address, long value, int line) {
    MemorySegment segment = locateWritable(address, 8, line);
    segment.set(ValueLayout.JAVA_LONG, address - segment.address(), value);
  }

  public void storeFloat(long address, float value, int line) {
    MemorySegment segment = locateWritable(address, 4, line);
    segment.set(ValueLayout.JAVA_FLOAT, address - segment.address(), value);
  }

  public void storeDouble(long address, double value, int line) {
    MemorySegment segment = locateWritable(address, 8, line);
    segment.set(ValueLayout.JAVA_DOUBLE, address - segment.address(), value);
  }
}
