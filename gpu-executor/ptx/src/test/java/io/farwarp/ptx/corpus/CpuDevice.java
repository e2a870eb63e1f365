package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.ptx.PtxExecutor;
import io.farwarp.ptx.PtxFault;
import io.farwarp.ptx.PtxLaunch;
import io.farwarp.ptx.PtxModule;
import io.farwarp.ptx.StopSignal;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The PTX CPU device. */
final class CpuDevice extends Device {
  private final PtxModule module;
  private final PtxExecutor executor;
  private final Arena arena = Arena.ofShared();

  CpuDevice(PtxModule module, PtxExecutor executor) {
    this.module = module;
    this.executor = executor;
  }

  @Override
  MemorySegment zeros(long sizeBytes) {
    return arena.allocate(sizeBytes, 256);
  }

  @Override
  String run(Launch launch, Object[] arguments) throws PtxFault {
    PtxLaunch ptx = module.kernel(launch.kernel).newLaunch();
    ptx.grid(launch.grid[0], launch.grid[1], launch.grid[2]);
    ptx.block(launch.block[0], launch.block[1], launch.block[2]);
    ptx.dynamicSharedBytes(launch.sharedBytes);
    for (MemorySegment memory : launch.reached) {
      ptx.alsoReachable(memory, 0, memory.byteSize());
    }
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case MemorySegment memory when memory.isNative() ->
            ptx.pointer(i, memory, 0, memory.byteSize());
        case MemorySegment struct -> ptx.bytes(i, struct);
        case Float number -> ptx.scalar(i, Float.floatToRawIntBits(number));
        case Double number -> ptx.scalar(i, Double.doubleToRawLongBits(number));
        case Number number -> ptx.scalar(i, number.longValue());
        default -> throw new IllegalArgumentException(arguments[i].toString());
      }
    }
    executor.run(ptx, new StopSignal());
    assertTrue(ptx.kernel().isCompilable(), launch.kernel);
    return ptx.output().take();
  }

  @Override
  void skipOnGpu(String reason) {
    // This is no GPU.
  }

  @Override
  public void close() {
    arena.close();
  }
}
