package io.farwarp.client;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The slots of one session: which request holds which, under which id. A request that was given up
 * before its answer came leaves its slot <i>abandoned</i>: taken until the late answer arrives, so
 * that no other request can be answered with it.
 *
 * <p>Guarded by the engine's lock; allocates nothing.
 */
final class InFlight {
  private static final long NO_ID = 0;
  private static final VarHandle TAKEN;

  static {
    try {
      TAKEN = MethodHandles.lookup().findVarHandle(InFlight.class, "taken", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final int capacity;
  private final long[] ids;
  private final @Nullable WorkRequest[] live;
  private final @Nullable WorkRequest[] abandoned;
  private long freeSlots;
  private long lastId = NO_ID;

  /** Written under the lock; other threads read it too, some moments late perhaps. */
  private int taken;

  /** What an answer from the worker belongs to. */
  enum Match {
    LIVE,
    ABANDONED,
    NONE
  }

  InFlight(int capacity) {
    this.capacity = capacity;
    this.ids = new long[capacity];
    this.live = new WorkRequest[capacity];
    this.abandoned = new WorkRequest[capacity];
    this.freeSlots = capacity == Long.SIZE ? -1L : (1L << capacity) - 1;
  }

  int capacity() {
    return capacity;
  }

  boolean isFull() {
    return freeSlots == 0;
  }

  /** Requests without an answer, abandoned ones too. Any thread. */
  int taken() {
    return (int) TAKEN.getOpaque(this);
  }

  /** Gives {@code request} a slot and the next id; there must be one free. */
  void take(WorkRequest request) {
    int slot = Long.numberOfTrailingZeros(freeSlots);
    freeSlots &= ~(1L << slot);
    long id = ++lastId;
    ids[slot] = id;
    live[slot] = request;
    request.slot = slot;
    request.invocationId = id;
    TAKEN.setOpaque(this, taken + 1);
  }

  Match match(int slot, long id) {
    if (slot < 0 || slot >= capacity || id == NO_ID || ids[slot] != id) {
      return Match.NONE;
    }
    return live[slot] == null ? Match.ABANDONED : Match.LIVE;
  }

  @Nullable WorkRequest live(int slot) {
    return live[slot];
  }

  /** The abandoned request, which still uses its tensors; it may be in flight again elsewhere. */
  @Nullable WorkRequest abandoned(int slot) {
    return abandoned[slot];
  }

  void free(int slot) {
    ids[slot] = NO_ID;
    live[slot] = null;
    abandoned[slot] = null;
    freeSlots |= 1L << slot;
    TAKEN.setOpaque(this, taken - 1);
  }

  /** The request has ended for its caller, but not for the worker. */
  void abandon(WorkRequest request) {
    live[request.slot] = null;
    abandoned[request.slot] = request;
  }

  /** A slot is free, live or abandoned, never two of these; ids are unique and were given out. */
  void validate() {
    int count = 0;
    for (int slot = 0; slot < capacity; slot++) {
      boolean free = (freeSlots >>> slot & 1) == 1;
      @Nullable WorkRequest request = live[slot];
      long id = ids[slot];
      check(free == (id == NO_ID), slot, "free with an id, or taken without");
      check(!free || (request == null && abandoned[slot] == null), slot, "free and in use");
      check(request == null || abandoned[slot] == null, slot, "live and abandoned");
      check(id <= lastId, slot, "of an id never given");
      check(free || Arrays.stream(ids).filter(other -> other == id).count() == 1, slot, "twice");
      if (request != null) {
        check(request.slot == slot && request.invocationId == id, slot, "of another request");
        check(request.isPosted(), slot, "of a request that is not posted");
      }
      count += free ? 0 : 1;
    }
    check(count == taken, -1, "miscounted");
  }

  private static void check(boolean holds, int slot, String what) {
    if (!holds) {
      throw new IllegalStateException("slot " + slot + " is " + what);
    }
  }
}
