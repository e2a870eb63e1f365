package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxException;

/** Carries a {@link PtxException} out of the class-file builder's callbacks. */
final class Refusal extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final PtxException problem;

  Refusal(PtxException problem) {
    super(problem);
    this.problem = problem;
  }

  PtxException problem() {
    return problem;
  }
}
