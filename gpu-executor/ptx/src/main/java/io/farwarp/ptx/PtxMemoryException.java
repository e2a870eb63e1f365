package io.farwarp.ptx;

/** A module whose variables and heap take more than {@link PtxOptions#maxModuleMemoryBytes}. */
public final class PtxMemoryException extends PtxException {
  private static final long serialVersionUID = 1L;

  private final long neededBytes;

  PtxMemoryException(int line, long neededBytes, long limitBytes) {
    super(
        line,
        "the module's variables and heap take %d bytes; the limit is %d"
            .formatted(neededBytes, limitBytes));
    this.neededBytes = neededBytes;
  }

  /** What all variables and the heap take together, alignment included. */
  public long neededBytes() {
    return neededBytes;
  }
}
