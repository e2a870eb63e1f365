package io.farwarp.ptx.corpus;

import io.farwarp.ptx.gpu.Gpu;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.junit.jupiter.api.Assumptions;

/** A GPU, whose driver has compiled the module. */
final class GpuDevice extends Device {
  private final Gpu.Module module;
  private final SegmentAllocator memory;

  /** All buffers lie in one allocation, so that one that is left on a side faults no GPU. */
  GpuDevice(Gpu.Module module, MemorySegment memory) {
    this.module = module;
    this.memory = SegmentAllocator.slicingAllocator(memory);
  }

  @Override
  MemorySegment zeros(long sizeBytes) {
    return memory.allocate(sizeBytes, 256).fill((byte) 0);
  }

  @Override
  String run(Launch launch, Object[] arguments) {
    module.run(launch.kernel, size(launch.grid), size(launch.block), launch.sharedBytes, arguments);
    return "";
  }

  private static Gpu.Size size(int[] size) {
    return new Gpu.Size(size[0], size[1], size[2]);
  }

  @Override
  void skipOnGpu(String reason) {
    Assumptions.abort(reason);
  }

  @Override
  public void close() {
    // The memory is the test's.
  }
}
