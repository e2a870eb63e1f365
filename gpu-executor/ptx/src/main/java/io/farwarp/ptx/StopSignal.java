package io.farwarp.ptx;

/** Asks a running launch to end. Any thread may set it; it stays set. */
public final class StopSignal {
  private volatile boolean stopped;

  /** Makes every launch run with this signal end with {@link PtxFault.Kind#STOPPED}. */
  public void stop() {
    stopped = true;
  }

  public boolean isStopped() {
    return stopped;
  }
}
