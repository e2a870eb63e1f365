package io.farwarp.ptx;

import java.util.List;

/** A fatbin that holds no PTX, but perhaps code for GPUs, which a CPU cannot run. */
public final class NoPtxException extends PtxException {
  private static final long serialVersionUID = 1L;

  private final transient List<String> architectures;

  public NoPtxException(List<String> architectures) {
    super(
        0,
        "the fatbin holds no PTX; it holds "
            + (architectures.isEmpty() ? "nothing" : String.join(", ", architectures)));
    this.architectures = List.copyOf(architectures);
  }

  /** What the fatbin does hold code for, such as {@code sm_90}. */
  public List<String> architectures() {
    return architectures;
  }
}
