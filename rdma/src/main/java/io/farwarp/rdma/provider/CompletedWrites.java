package io.farwarp.rdma.provider;

import io.farwarp.rdma.QueuePair;

/** Work request ids of signalled writes that are done but not yet handed over, oldest first. */
public final class CompletedWrites {
  private static final int CAPACITY = QueuePair.MAX_WRITES_IN_FLIGHT;

  private final long[] ids = new long[CAPACITY];
  private int first;
  private int size;

  public boolean isEmpty() {
    return size == 0;
  }

  public boolean isFull() {
    return size == CAPACITY;
  }

  public int size() {
    return size;
  }

  public void add(long workRequestId) {
    ids[(first + size) & (CAPACITY - 1)] = workRequestId;
    size++;
  }

  public long remove() {
    long id = ids[first];
    first = (first + 1) & (CAPACITY - 1);
    size--;
    return id;
  }
}
