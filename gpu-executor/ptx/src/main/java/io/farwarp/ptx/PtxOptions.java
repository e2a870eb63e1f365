package io.farwarp.ptx;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How modules are loaded, and limits on what they may ask for.
 *
 * @param maxTextChars longest text that is parsed
 * @param maxModuleMemoryBytes most memory for {@code .global} and {@code .const} variables and the
 *     heap of kernels together
 * @param maxLocalBytesPerThread most {@code .local} memory for one thread, calls included
 * @param cacheDirectory where compiled modules are kept for other processes, or null. It is made if
 *     it is not there, readable to this user alone; one that others may write to is not used
 */
public record PtxOptions(
    int maxTextChars,
    long maxModuleMemoryBytes,
    int maxLocalBytesPerThread,
    @Nullable Path cacheDirectory) {
  private static final PtxOptions DEFAULTS = new PtxOptions(16 << 20, 1L << 30, 512 << 10);

  public PtxOptions {
    if (maxTextChars < 1 || maxModuleMemoryBytes < 0 || maxLocalBytesPerThread < 0) {
      throw new IllegalArgumentException("limits must not be negative");
    }
  }

  /** Limits, without a cache. */
  public PtxOptions(int maxTextChars, long maxModuleMemoryBytes, int maxLocalBytesPerThread) {
    this(maxTextChars, maxModuleMemoryBytes, maxLocalBytesPerThread, null);
  }

  /** The same with a cache of compiled modules. */
  public PtxOptions cachedIn(Path directory) {
    return new PtxOptions(maxTextChars, maxModuleMemoryBytes, maxLocalBytesPerThread, directory);
  }

  /** 16 Mi characters of text, 1 GiB of module memory, CUDA's 512 KiB of local memory a thread. */
  public static PtxOptions defaults() {
    return DEFAULTS;
  }
}
