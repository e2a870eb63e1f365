package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.ptx.PtxExecutor;
import io.farwarp.ptx.PtxFault;
import io.farwarp.ptx.PtxLaunch;
import io.farwarp.ptx.PtxModule;
import io.farwarp.ptx.StopSignal;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What a case sees of the device: memory, and launches of the kernels of one module. */
final class Device implements AutoCloseable {
  private final PtxModule module;
  private final PtxExecutor executor;
  private final Arena arena = Arena.ofShared();

  Device(PtxModule module, PtxExecutor executor) {
    this.module = module;
    this.executor = executor;
  }

  MemorySegment zeros(long sizeBytes) {
    return arena.allocate(sizeBytes, 256);
  }

  MemorySegment copy(float... values) {
    return zeros(values.length * 4L).copyFrom(MemorySegment.ofArray(values));
  }

  MemorySegment copy(double... values) {
    return zeros(values.length * 8L).copyFrom(MemorySegment.ofArray(values));
  }

  MemorySegment copy(int... values) {
    return zeros(values.length * 4L).copyFrom(MemorySegment.ofArray(values));
  }

  MemorySegment copy(long... values) {
    return zeros(values.length * 8L).copyFrom(MemorySegment.ofArray(values));
  }

  MemorySegment copy(short... values) {
    return zeros(values.length * 2L).copyFrom(MemorySegment.ofArray(values));
  }

  MemorySegment copy(byte... values) {
    return zeros(values.length).copyFrom(MemorySegment.ofArray(values));
  }

  Launch kernel(String name) {
    return new Launch(module.kernel(name).newLaunch());
  }

  @Override
  public void close() {
    arena.close();
  }

  /** One kernel with its shape: one block of one thread, unless it is given another. */
  final class Launch {
    private final PtxLaunch launch;

    private Launch(PtxLaunch launch) {
      this.launch = launch;
    }

    Launch grid(int x) {
      return grid(x, 1, 1);
    }

    Launch grid(int x, int y, int z) {
      launch.grid(x, y, z);
      return this;
    }

    Launch block(int x) {
      return block(x, 1, 1);
    }

    Launch block(int x, int y, int z) {
      launch.block(x, y, z);
      return this;
    }

    /** Dynamic shared memory. */
    Launch shared(int sizeBytes) {
      launch.dynamicSharedBytes(sizeBytes);
      return this;
    }

    /** Memory whose addresses are in other memory. */
    Launch reaching(MemorySegment... memories) {
      for (MemorySegment memory : memories) {
        launch.alsoReachable(memory, 0, memory.byteSize());
      }
      return this;
    }

    /** Passes native memory by address, memory of the heap by value, and numbers by their bits. */
    Launch run(Object... arguments) throws PtxFault {
      for (int i = 0; i < arguments.length; i++) {
        switch (arguments[i]) {
          case MemorySegment memory when memory.isNative() ->
              launch.pointer(i, memory, 0, memory.byteSize());
          case MemorySegment struct -> launch.bytes(i, struct);
          case Float number -> launch.scalar(i, Float.floatToRawIntBits(number));
          case Double number -> launch.scalar(i, Double.doubleToRawLongBits(number));
          case Number number -> launch.scalar(i, number.longValue());
          default -> throw new IllegalArgumentException(arguments[i].toString());
        }
      }
      executor.run(launch, new StopSignal());
      assertTrue(launch.kernel().isCompilable(), launch.kernel().name());
      return this;
    }

    /** What the kernel has printed. */
    String printed() {
      return launch.output().take();
    }
  }

  static float[] floats(MemorySegment memory) {
    return memory.toArray(ValueLayout.JAVA_FLOAT);
  }

  static double[] doubles(MemorySegment memory) {
    return memory.toArray(ValueLayout.JAVA_DOUBLE);
  }

  static int[] ints(MemorySegment memory) {
    return memory.toArray(ValueLayout.JAVA_INT);
  }

  static long[] longs(MemorySegment memory) {
    return memory.toArray(ValueLayout.JAVA_LONG);
  }

  static byte[] bytes(MemorySegment memory) {
    return memory.toArray(ValueLayout.JAVA_BYTE);
  }
}
