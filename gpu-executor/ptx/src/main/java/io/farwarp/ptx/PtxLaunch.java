package io.farwarp.ptx;

import io.farwarp.ptx.ir.ParameterLayout;
import io.farwarp.ptx.runtime.Allocations;
import io.farwarp.ptx.runtime.BlockContext;
import io.farwarp.ptx.runtime.BlockThreads;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A prepared launch: grid, block and arguments of one kernel, set once and run many times. It
 * belongs to one thread at a time; setting it again to memory that it has seen lately, and running
 * it, allocate nothing.
 */
public final class PtxLaunch {
  private static final int SLICES_KEPT = 8;
  private static final long MEMORY_ALIGN = 128;

  /** The most that CUDA allows a block, on the newest GPUs. */
  private static final int MAX_SHARED_BYTES = 227 << 10;

  /** For the frames of all threads of a block. */
  private static final long MAX_LOCAL_BYTES = 256L << 20;

  private static final MemorySegment EMPTY = Arena.global().allocate(0, 256);

  private final PtxKernel kernel;
  private final ParameterLayout layout;
  private final Arena arena = Arena.ofAuto();
  private final MemorySegment parameterBlock;
  private final MemorySegment parametersAsSeen;
  private final MemorySegment[] pointers;
  private final @Nullable Slice[] passed;
  private final @Nullable Slice[][] slices;
  private final int[] nextSlice;
  private final boolean[] bound;
  private final List<MemorySegment> reachable = new ArrayList<>();
  private final Allocations allocations = new Allocations();
  private final BlockContext.Cancellation cancellation = new BlockContext.Cancellation();
  private BlockContext[] contexts = new BlockContext[0];
  private BlockMemory[] blockMemories = new BlockMemory[0];
  private boolean changed = true;
  private int gridX = 1;
  private int gridY = 1;
  private int gridZ = 1;
  private int blockX = 1;
  private int blockY = 1;
  private int blockZ = 1;
  private int dynamicSharedBytes;
  private PtxOutput output = PtxOutput.ofAtMost(PtxOutput.DEFAULT_MAX_CHARS);

  /** The next block that nobody has taken. */
  final AtomicLong nextBlock = new AtomicLong();

  /** The first fault of the run. */
  final AtomicReference<@Nullable PtxFault> fault = new AtomicReference<>();

  PtxLaunch(PtxKernel kernel, ParameterLayout layout) {
    this.kernel = kernel;
    this.layout = layout;
    int count = layout.parameters().size();
    parameterBlock = arena.allocate(Math.max(16, layout.sizeBytes()), MEMORY_ALIGN);
    parametersAsSeen = parameterBlock.asReadOnly();
    pointers = new MemorySegment[count];
    Arrays.fill(pointers, EMPTY);
    passed = new Slice[count];
    slices = new Slice[count][SLICES_KEPT];
    nextSlice = new int[count];
    bound = new boolean[count];
  }

  /** The kernel this is a launch of. */
  public PtxKernel kernel() {
    return kernel;
  }

  /** Number of blocks; checked when run. */
  public PtxLaunch grid(int x, int y, int z) {
    gridX = x;
    gridY = y;
    gridZ = z;
    return this;
  }

  /** Threads of a block; checked when run. */
  public PtxLaunch block(int x, int y, int z) {
    blockX = x;
    blockY = y;
    blockZ = z;
    return this;
  }

  /** Bytes of dynamic shared memory for each block. */
  public PtxLaunch dynamicSharedBytes(int bytes) {
    dynamicSharedBytes = bytes;
    return this;
  }

  /** Where the kernel's {@code printf} goes; several launches may share an output. */
  public PtxLaunch output(PtxOutput newOutput) {
    output = newOutput;
    return this;
  }

  /** What the kernel has printed; the launch's own, up to its default limit, unless set. */
  public PtxOutput output() {
    return output;
  }

  /**
   * Passes the address of a range of native memory, and lets the kernel access that range.
   *
   * @throws IllegalArgumentException if the parameter is not 64 bits wide or the memory not native
   */
  @SuppressWarnings("ReferenceEquality") // What is passed again is the same slice.
  public PtxLaunch pointer(
      int parameter, MemorySegment memory, long offsetBytes, long lengthBytes) {
    requireSize(parameter, 8);
    Slice slice = slice(parameter, memory, offsetBytes, lengthBytes);
    if (passed[parameter] != slice) {
      passed[parameter] = slice;
      pointers[parameter] = slice.segment();
      changed = true;
    }
    parameterBlock.set(
        ValueLayout.JAVA_LONG_UNALIGNED,
        parameter(parameter).offsetBytes(),
        slice.segment().address());
    bound[parameter] = true;
    return this;
  }

  /** Passes a number, given by its bits; the low ones count when the parameter is narrower. */
  public PtxLaunch scalar(int parameter, long rawBits) {
    PtxParameter formal = parameter(parameter);
    long at = formal.offsetBytes();
    switch (formal.sizeBytes()) {
      case 1 -> parameterBlock.set(ValueLayout.JAVA_BYTE, at, (byte) rawBits);
      case 2 -> parameterBlock.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) rawBits);
      case 4 -> parameterBlock.set(ValueLayout.JAVA_INT_UNALIGNED, at, (int) rawBits);
      case 8 -> parameterBlock.set(ValueLayout.JAVA_LONG_UNALIGNED, at, rawBits);
      default ->
          throw new IllegalArgumentException(describe(formal) + " is no scalar: pass its bytes");
    }
    unpoint(parameter);
    return this;
  }

  /** Passes a struct by value; its size must be the parameter's. */
  public PtxLaunch bytes(int parameter, MemorySegment value) {
    PtxParameter formal = parameter(parameter);
    requireSize(parameter, value.byteSize());
    MemorySegment.copy(value, 0, parameterBlock, formal.offsetBytes(), formal.sizeBytes());
    unpoint(parameter);
    return this;
  }

  /** Lets the kernel access memory that it reaches by addresses stored elsewhere. */
  public PtxLaunch alsoReachable(MemorySegment memory, long offsetBytes, long lengthBytes) {
    Slice.requireNative(memory);
    reachable.add(memory.asSlice(offsetBytes, lengthBytes));
    changed = true;
    return this;
  }

  private void unpoint(int parameter) {
    if (passed[parameter] != null) {
      passed[parameter] = null;
      pointers[parameter] = EMPTY;
      changed = true;
    }
    bound[parameter] = true;
  }

  private PtxParameter parameter(int index) {
    if (index < 0 || index >= layout.parameters().size()) {
      throw new IllegalArgumentException(
          "kernel '"
              + kernel.name()
              + "' has "
              + layout.parameters().size()
              + " parameters, not "
              + "number "
              + index);
    }
    return layout.parameters().get(index);
  }

  private void requireSize(int index, long sizeBytes) {
    PtxParameter formal = parameter(index);
    if (formal.sizeBytes() != sizeBytes) {
      throw new IllegalArgumentException(
          describe(formal) + " takes " + formal.sizeBytes() + " bytes, not " + sizeBytes);
    }
  }

  private String describe(PtxParameter formal) {
    return "parameter '" + formal.name() + "' of kernel '" + kernel.name() + "'";
  }

  private Slice slice(int parameter, MemorySegment memory, long offset, long length) {
    @Nullable Slice[] kept = slices[parameter];
    for (Slice slice : kept) {
      if (slice != null && slice.matches(memory, offset, length)) {
        return slice;
      }
    }
    Slice slice = Slice.of(memory, offset, length);
    kept[nextSlice[parameter]] = slice;
    nextSlice[parameter] = (nextSlice[parameter] + 1) % SLICES_KEPT;
    return slice;
  }

  /** Checks everything and makes the contexts of {@code workers} worker threads ready. */
  void prepare(int workers, StopSignal stop) throws PtxFault {
    validate();
    if (changed) {
      collectAllocations();
    }
    if (contexts.length < workers) {
      addContexts(workers);
    }
    for (int i = 0; i < contexts.length; i++) {
      BlockContext context = contexts[i];
      blockMemories[i].fit(context, kernel, blockX * blockY * blockZ, dynamicSharedBytes);
      context.dynamicSharedBytes = dynamicSharedBytes;
      context.gridX = gridX;
      context.gridY = gridY;
      context.gridZ = gridZ;
      context.threadsX = blockX;
      context.threadsY = blockY;
      context.threadsZ = blockZ;
      context.output = output;
      BlockThreads threads = context.threadsOrNull();
      if (threads != null) {
        threads.reshape(blockX, blockY, blockZ);
      }
    }
    cancellation.arm(stop);
    nextBlock.setPlain(0);
    fault.setPlain(null);
  }

  private void collectAllocations() {
    allocations.clear();
    for (Slice slice : passed) {
      if (slice != null) {
        allocations.add(slice.segment());
      }
    }
    for (int i = 0; i < reachable.size(); i++) {
      allocations.add(reachable.get(i));
    }
    for (MemorySegment variable : kernel.variables()) {
      allocations.add(variable);
    }
    allocations.add(parametersAsSeen);
    changed = false;
  }

  private void addContexts(int workers) {
    int old = contexts.length;
    contexts = Arrays.copyOf(contexts, workers);
    blockMemories = Arrays.copyOf(blockMemories, workers);
    for (int i = old; i < workers; i++) {
      blockMemories[i] = new BlockMemory(arena);
      contexts[i] =
          new BlockContext(
              parameterBlock,
              pointers,
              kernel.variables(),
              kernel.heap(),
              kernel.newThreads(),
              allocations,
              cancellation);
    }
  }

  private void validate() throws PtxFault {
    if (gridX < 1 || gridY < 1 || gridZ < 1 || gridY > 65_535 || gridZ > 65_535) {
      throw invalid(
          "the grid is ("
              + gridX
              + ","
              + gridY
              + ","
              + gridZ
              + "); the limits are 1 to 2147483647, 65535 and 65535");
    }
    if (blockX < 1 || blockY < 1 || blockZ < 1 || blockX > 1024 || blockY > 1024 || blockZ > 64) {
      throw invalid(describeBlock() + "; the limits are 1 to 1024, 1024 and 64");
    }
    if ((long) blockX * blockY * blockZ > kernel.maxThreadsPerBlock()) {
      throw invalid(
          describeBlock() + "; it has at most " + kernel.maxThreadsPerBlock() + " threads");
    }
    List<Integer> required = kernel.requiredBlock();
    if (!required.isEmpty() && !sameBlock(required)) {
      throw invalid(describeBlock() + "; the kernel needs " + required);
    }
    if (dynamicSharedBytes < 0
        || dynamicSharedBytes > MAX_SHARED_BYTES - kernel.staticSharedBytes()) {
      throw invalid(
          "dynamic shared memory of "
              + dynamicSharedBytes
              + " bytes beside "
              + kernel.staticSharedBytes()
              + " that it declares; the limit for both is "
              + MAX_SHARED_BYTES);
    }
    long localBytes = kernel.localBytes(blockX * blockY * blockZ);
    if (localBytes > MAX_LOCAL_BYTES) {
      throw invalid(
          describeBlock()
              + " and needs "
              + localBytes
              + " bytes of local memory; the limit is "
              + MAX_LOCAL_BYTES);
    }
    for (int i = 0; i < bound.length; i++) {
      if (!bound[i]) {
        throw invalid(
            "parameter " + i + ", '" + layout.parameters().get(i).name() + "', has no value");
      }
    }
  }

  private boolean sameBlock(List<Integer> required) {
    return required.get(0) == blockX
        && (required.size() < 2 ? 1 : required.get(1)) == blockY
        && (required.size() < 3 ? 1 : required.get(2)) == blockZ;
  }

  private String describeBlock() {
    return "the block is (" + blockX + "," + blockY + "," + blockZ + ")";
  }

  PtxFault invalid(String problem) {
    return PtxFault.invalidLaunch(kernel.name(), problem);
  }

  /** The first allocation that a thread may not access, or null; a confined arena is one such. */
  @Nullable MemorySegment inaccessibleBy(Thread thread) {
    for (MemorySegment pointer : pointers) {
      if (!pointer.isAccessibleBy(thread)) {
        return pointer;
      }
    }
    for (int i = 0; i < reachable.size(); i++) {
      if (!reachable.get(i).isAccessibleBy(thread)) {
        return reachable.get(i);
      }
    }
    return null;
  }

  BlockContext context(int worker) {
    return contexts[worker];
  }

  BlockContext.Cancellation cancellation() {
    return cancellation;
  }

  long blocks() {
    return (long) gridX * gridY * gridZ;
  }

  long threadsPerBlock() {
    return (long) blockX * blockY * blockZ;
  }

  /** Moves a context to a block, numbered with x fastest. */
  void moveTo(BlockContext context, long block) {
    context.blockX = (int) (block % gridX);
    long rest = block / gridX;
    context.blockY = (int) (rest % gridY);
    context.blockZ = (int) (rest / gridY);
  }
}
