package io.farwarp.ptx.codegen;

import io.farwarp.ptx.runtime.BlockProgram;
import io.farwarp.ptx.runtime.BlockThreads;
import io.farwarp.ptx.runtime.ProgramDefiner;
import io.farwarp.ptx.runtime.RegionProgram;
import io.farwarp.ptx.runtime.Stop;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A kernel's generated class, with what running it takes.
 *
 * @param stops where its threads wait, by number
 * @param largestMethodBytes bytecode of its longest method; above {@link
 *     ProgramCompiler#JIT_LIMIT_BYTES} HotSpot only interprets it
 * @param staticSharedBytes what the kernel declares
 * @param callBytes local memory for calls and, without stops, for the kernel's own variables
 * @param shape what threads keep while they are stopped, or null if they never are
 */
public record CompiledKernel(
    byte[] classFile,
    List<Stop> stops,
    int largestMethodBytes,
    int staticSharedBytes,
    int callBytes,
    BlockThreads.@Nullable Shape shape) {

  /** Makes it a class of this JVM. */
  public BlockProgram define() {
    return shape == null
        ? ProgramDefiner.define(classFile)
        : new RegionProgram(ProgramDefiner.defineRegions(classFile), stops);
  }
}
