package io.farwarp.ptx.cache;

import io.farwarp.ptx.codegen.CompiledKernel;
import io.farwarp.ptx.ir.ParameterLayout;
import io.farwarp.ptx.syntax.SourceLines;
import java.util.List;

/** What the compiler has made of a module, before any of it is a class of this JVM. */
public record ModuleImage(List<Kernel> kernels, SourceLines sourceLines) {
  /**
   * A kernel.
   *
   * @param maxThreads most threads a block may have by its text, or 0
   * @param requiredBlock the exact block, or empty
   */
  public record Kernel(
      String name,
      ParameterLayout layout,
      int maxThreads,
      List<Integer> requiredBlock,
      CompiledKernel compiled) {}
}
