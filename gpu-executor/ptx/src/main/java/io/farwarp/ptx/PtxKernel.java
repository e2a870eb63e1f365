package io.farwarp.ptx;

import io.farwarp.ptx.cache.ModuleImage;
import io.farwarp.ptx.codegen.CompiledKernel;
import io.farwarp.ptx.codegen.ProgramCompiler;
import io.farwarp.ptx.ir.ParameterLayout;
import io.farwarp.ptx.runtime.BlockProgram;
import io.farwarp.ptx.runtime.BlockThreads;
import io.farwarp.ptx.runtime.DeviceHeap;
import io.farwarp.ptx.syntax.SourceLines;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A compiled kernel; immutable but for the running estimate of its cost. */
public final class PtxKernel {
  /** CUDA's limit on the threads of a block. */
  public static final int MAX_THREADS_PER_BLOCK = 1024;

  private final String name;
  private final ParameterLayout layout;
  private final CompiledKernel compiled;
  private final BlockProgram program;
  private final MemorySegment[] variables;
  private final DeviceHeap heap;
  private final SourceLines sourceLines;
  private final int maxThreadsPerBlock;
  private final List<Integer> requiredBlock;

  /** Cost of one thread on one core; 0 until measured. A racy update loses a sample, no more. */
  private volatile double nsPerThread;

  PtxKernel(ModuleImage.Kernel image, ModuleMemory memory, SourceLines sourceLines) {
    this.sourceLines = sourceLines;
    this.name = image.name();
    this.layout = image.layout();
    this.compiled = image.compiled();
    this.program = compiled.define();
    this.variables = memory.segments();
    this.heap = memory.heap();
    this.maxThreadsPerBlock =
        image.maxThreads() == 0
            ? MAX_THREADS_PER_BLOCK
            : Math.min(image.maxThreads(), MAX_THREADS_PER_BLOCK);
    this.requiredBlock = image.requiredBlock();
  }

  public String name() {
    return name;
  }

  public List<PtxParameter> parameters() {
    return layout.parameters();
  }

  /** The most threads a block may have, 1024 unless the kernel says less. */
  public int maxThreadsPerBlock() {
    return maxThreadsPerBlock;
  }

  /** The block that the kernel insists on by {@code .reqntid}, or empty. */
  List<Integer> requiredBlock() {
    return requiredBlock;
  }

  /**
   * Whether HotSpot will compile all of the kernel. One with a method over 8000 bytes of bytecode
   * is interpreted, some fifty times slower, unless the JVM runs with {@code
   * -XX:-DontCompileHugeMethods}.
   */
  public boolean isCompilable() {
    return compiled.largestMethodBytes() <= ProgramCompiler.JIT_LIMIT_BYTES;
  }

  /** A launch of this kernel with nothing bound yet. */
  public PtxLaunch newLaunch() {
    return new PtxLaunch(this, layout);
  }

  BlockProgram program() {
    return program;
  }

  MemorySegment[] variables() {
    return variables;
  }

  DeviceHeap heap() {
    return heap;
  }

  SourceLines sourceLines() {
    return sourceLines;
  }

  /** Bytes of shared memory that the kernel declares, before what a launch adds. */
  public int staticSharedBytes() {
    return compiled.staticSharedBytes();
  }

  /** Local memory for calls and, without stops, for the thread that runs. */
  int callBytes() {
    return compiled.callBytes();
  }

  /** Local memory that a worker needs for a block of so many threads. */
  long localBytes(int threads) {
    BlockThreads.Shape shape = compiled.shape();
    return shape == null
        ? compiled.callBytes()
        : compiled.callBytes() + (long) threads * shape.localBytes();
  }

  /** What the threads of a block keep while they are stopped, or null if they never are. */
  @Nullable BlockThreads newThreads() {
    BlockThreads.Shape shape = compiled.shape();
    return shape == null ? null : new BlockThreads(shape);
  }

  double nsPerThread() {
    return nsPerThread;
  }

  void measured(double ns) {
    double before = nsPerThread;
    nsPerThread = before == 0 ? ns : before + (ns - before) * 0.25;
  }
}
