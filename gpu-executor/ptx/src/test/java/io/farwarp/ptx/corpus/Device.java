package io.farwarp.ptx.corpus;

import io.farwarp.ptx.PtxFault;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** What a case sees of the device: memory, and launches of the kernels of one module. */
abstract class Device implements AutoCloseable {
  /** Memory of the device, of zeros, at a multiple of 256. */
  abstract MemorySegment zeros(long sizeBytes);

  /** Runs a launch to its end and gives what it has printed. */
  abstract String run(Launch launch, Object[] arguments) throws PtxFault;

  /** Ends a case as skipped on a GPU, where what comes next cannot be seen. */
  abstract void skipOnGpu(String reason);

  @Override
  public abstract void close();

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
    return new Launch(name);
  }

  /** One kernel with its shape: one block of one thread, unless it is given another. */
  final class Launch {
    final String kernel;
    final int[] grid = {1, 1, 1};
    final int[] block = {1, 1, 1};
    final List<MemorySegment> reached = new ArrayList<>();
    int sharedBytes;
    private String printed = "";

    private Launch(String kernel) {
      this.kernel = kernel;
    }

    Launch grid(int x) {
      return grid(x, 1, 1);
    }

    Launch grid(int x, int y, int z) {
      set(grid, x, y, z);
      return this;
    }

    Launch block(int x) {
      return block(x, 1, 1);
    }

    Launch block(int x, int y, int z) {
      set(block, x, y, z);
      return this;
    }

    private static void set(int[] size, int x, int y, int z) {
      size[0] = x;
      size[1] = y;
      size[2] = z;
    }

    /** Dynamic shared memory. */
    Launch shared(int sizeBytes) {
      sharedBytes = sizeBytes;
      return this;
    }

    /** Memory whose addresses are in other memory. */
    Launch reaching(MemorySegment... memories) {
      reached.addAll(List.of(memories));
      return this;
    }

    /** Passes native memory by address, memory of the heap by value, and numbers by their bits. */
    Launch run(Object... arguments) throws PtxFault {
      printed = Device.this.run(this, arguments);
      return this;
    }

    /** What the kernel has printed. */
    String printed() {
      skipOnGpu("A GPU prints to the process's standard output");
      return printed;
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
