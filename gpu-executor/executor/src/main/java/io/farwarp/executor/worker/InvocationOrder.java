package io.farwarp.executor.worker;

import io.farwarp.executor.device.DeviceStream;
import org.jspecify.annotations.Nullable;

/**
 * The invocations of a session in the order of their arrival, and the places that are free. As many
 * places as the device's stream has: twice what may be in flight, because one that was answered
 * early keeps its place until those before it are done.
 */
final class InvocationOrder {
  private static final int CAPACITY = DeviceStream.CAPACITY;
  private static final int MASK = CAPACITY - 1;

  private final Invocation[] ring = new Invocation[CAPACITY];
  private final Invocation[] free = new Invocation[CAPACITY];
  private int freeCount = CAPACITY;
  private long head;
  private long next;
  private long tail;

  InvocationOrder() {
    for (int i = 0; i < CAPACITY; i++) {
      free[i] = new Invocation();
    }
  }

  /** A free place, which the caller either {@link #append}s or leaves; null: none. */
  @Nullable Invocation peekFree() {
    return freeCount == 0 ? null : free[freeCount - 1];
  }

  /** Puts the place that {@link #peekFree} gave behind the others. */
  void append() {
    ring[(int) tail++ & MASK] = free[--freeCount];
  }

  /** The oldest one that {@link #dispatched} has not passed; null: none. */
  @Nullable Invocation undispatched() {
    return next == tail ? null : ring[(int) next & MASK];
  }

  boolean undispatchedIsOldest() {
    return next == head;
  }

  /** The oldest one, if it was dispatched; else null. */
  @Nullable Invocation oldestDispatched() {
    return next == head ? null : ring[(int) head & MASK];
  }

  void dispatched() {
    next++;
  }

  /** Frees the place of the oldest one, which was dispatched. */
  void removeOldest() {
    free[freeCount++] = ring[(int) head++ & MASK];
  }

  boolean isEmpty() {
    return head == tail;
  }
}
