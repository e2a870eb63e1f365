package io.farwarp.ptx.corpus;

/**
 * One use of one or more kernels of a family: what is launched, and what must come of it.
 *
 * @param family the {@code .cu} file
 * @param name the kernel, or what several do together
 */
record CorpusCase(String family, String name, Body body) {
  /** Fills buffers, launches, and compares with the host's own result. */
  @FunctionalInterface
  interface Body {
    void run(Device device) throws Exception;
  }

  @Override
  public String toString() {
    return family + "/" + name;
  }
}
