package io.farwarp.cli.bench;

import io.farwarp.client.PreparedInvocation;

/**
 * Ours: a prepared invocation, posted and awaited by the same thread.
 *
 * @param invocation its tensors are fixed; inputs travel, outputs return
 * @param withoutKernel whether the kernel's own time is left out
 */
record InvocationRoundTrip(PreparedInvocation invocation, boolean withoutKernel)
    implements RoundTrip {
  private static final long TIMEOUT_NS = 60_000_000_000L;

  /** The worker sleeps by itself between bursts. */
  @Override
  public void resume() {}

  @Override
  public void once() {
    invocation.post(TIMEOUT_NS);
    invocation.await();
    invocation.requireOk();
  }

  @Override
  public long excludedNs() {
    return withoutKernel ? invocation.kernelNs() : 0;
  }

  @Override
  public void pause() {}

  @Override
  public void close() {}
}
