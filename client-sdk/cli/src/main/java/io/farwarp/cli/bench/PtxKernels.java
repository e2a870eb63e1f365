package io.farwarp.cli.bench;

import io.farwarp.cli.CommandException;
import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxExecutor;
import io.farwarp.ptx.PtxFault;
import io.farwarp.ptx.PtxLaunch;
import io.farwarp.ptx.PtxModule;
import io.farwarp.ptx.PtxOptions;
import io.farwarp.ptx.StopSignal;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** The kernels of {@code bench ptx}, loaded, with cores to run on. */
final class PtxKernels implements AutoCloseable {
  /** Threads of a block, where a kernel does not need another shape. */
  static final int BLOCK = 256;

  private static final StopSignal NEVER = new StopSignal();

  private final PtxModule module;
  private final PtxExecutor executor;

  /** Loads the kernels for {@code threads} threads. */
  PtxKernels(int threads) throws IOException {
    try {
      module = PtxModule.load(text(), PtxOptions.defaults());
    } catch (PtxException e) {
      throw new CommandException("the benchmark's kernels cannot be loaded", e);
    }
    executor = PtxExecutor.create(threads);
  }

  /** The module's text, 16 kernels. */
  static String text() throws IOException {
    return text("kernels.ptx");
  }

  static String text(String resource) throws IOException {
    try (InputStream text = PtxKernels.class.getResourceAsStream("ptx/" + resource)) {
      if (text == null) {
        throw new IOException(resource + " is missing from the class path");
      }
      return new String(text.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /**
   * A launch of blocks in one dimension, of {@link #BLOCK} threads.
   *
   * @param arguments memory for pointers, and boxed numbers of the parameters' types
   */
  PtxLaunch launch(String kernel, long blocks, Object... arguments) {
    PtxLaunch launch = module.kernel(kernel).newLaunch();
    launch.grid(Math.toIntExact(blocks), 1, 1).block(BLOCK, 1, 1);
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case MemorySegment memory -> launch.pointer(i, memory, 0, memory.byteSize());
        case Integer number -> launch.scalar(i, number);
        case Long number -> launch.scalar(i, number);
        case Float number -> launch.scalar(i, Float.floatToRawIntBits(number));
        default ->
            throw new IllegalArgumentException("no parameter takes a " + arguments[i].getClass());
      }
    }
    return launch;
  }

  void run(PtxLaunch launch) {
    try {
      executor.run(launch, NEVER);
    } catch (PtxFault fault) {
      throw new CommandException(fault.toString(), fault);
    }
  }

  @Override
  public void close() {
    executor.close();
    module.close();
  }
}
