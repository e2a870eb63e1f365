package io.farwarp.rdma.verbs.disni;

import io.farwarp.rdma.QueuePair;

/**
 * Writes that the device has, oldest first: which of its work requests they are, counted from 1.
 */
final class InFlightWrites {
  private static final int CAPACITY = QueuePair.MAX_WRITES_IN_FLIGHT;

  private final long[] firstRequests = new long[CAPACITY];
  private final long[] lastRequests = new long[CAPACITY];
  private final long[] ids = new long[CAPACITY];
  private int first;
  private int size;

  boolean isEmpty() {
    return size == 0;
  }

  int size() {
    return size;
  }

  void add(long firstRequest, long lastRequest, long workRequestId) {
    int at = (first + size) & (CAPACITY - 1);
    firstRequests[at] = firstRequest;
    lastRequests[at] = lastRequest;
    ids[at] = workRequestId;
    size++;
  }

  /** Of the oldest. */
  long firstRequest() {
    return firstRequests[first];
  }

  /** Of the oldest. */
  long lastRequest() {
    return lastRequests[first];
  }

  /** The oldest's work request id; forgets it. */
  long remove() {
    long id = ids[first];
    first = (first + 1) & (CAPACITY - 1);
    size--;
    return id;
  }
}
