package io.farwarp.executor.device;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What a worker may take beside its window of the memory that kernels use, which no Java heap
 * bounds: variables of modules, scratch and the tensors of warming up, together. Any thread.
 */
public final class NativeBudget {
  /** Beside as much again as the window has. */
  public static final long BASE_BYTES = 256L << 20;

  private final AtomicLong takenBytes = new AtomicLong();
  private volatile long limitBytes;

  private NativeBudget(long limitBytes) {
    this.limitBytes = limitBytes;
  }

  /** The limit of a worker with such a window. */
  public static long limitBytes(long windowBytes) {
    return windowBytes + BASE_BYTES;
  }

  /** The budget of a worker with such a window. */
  public static NativeBudget ofWindow(long windowBytes) {
    return new NativeBudget(limitBytes(windowBytes));
  }

  /** Once the window is known. */
  public void windowBytes(long windowBytes) {
    limitBytes = limitBytes(windowBytes);
  }

  /** False, and nothing is taken: so much is not free. */
  public boolean take(long bytes) {
    long taken = takenBytes.get();
    while (bytes <= limitBytes - taken) {
      if (takenBytes.compareAndSet(taken, taken + bytes)) {
        return true;
      }
      taken = takenBytes.get();
    }
    return false;
  }

  /** Gives back what was taken. */
  public void give(long bytes) {
    takenBytes.addAndGet(-bytes);
  }

  /** What is not taken. */
  public long leftBytes() {
    return Math.max(0, limitBytes - takenBytes.get());
  }

  /** Why {@link #take} is refused, to follow what the bytes are for. */
  public String refusal(long bytes) {
    return "%d bytes; %d of the worker's %d are free: ask for larger windows, which allow as much"
            .formatted(bytes, leftBytes(), limitBytes)
        + " again and %d for modules, scratch and warming up".formatted(BASE_BYTES);
  }
}
