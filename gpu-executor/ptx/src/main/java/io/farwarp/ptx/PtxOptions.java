package io.farwarp.ptx;

/**
 * Limits on what a module may ask for.
 *
 * @param maxTextChars longest text that is parsed
 * @param maxModuleMemoryBytes most memory for {@code .global} and {@code .const} variables together
 * @param maxLocalBytesPerThread most {@code .local} memory for one thread, calls included
 */
public record PtxOptions(int maxTextChars, long maxModuleMemoryBytes, int maxLocalBytesPerThread) {
  private static final PtxOptions DEFAULTS = new PtxOptions(16 << 20, 1L << 30, 512 << 10);

  public PtxOptions {
    if (maxTextChars < 1 || maxModuleMemoryBytes < 0 || maxLocalBytesPerThread < 0) {
      throw new IllegalArgumentException("limits must not be negative");
    }
  }

  /** 16 Mi characters of text, 1 GiB of module memory, CUDA's 512 KiB of local memory a thread. */
  public static PtxOptions defaults() {
    return DEFAULTS;
  }
}
