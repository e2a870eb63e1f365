package io.farwarp.gateway.simulation;

import io.farwarp.v1.LeaseToken;
import io.farwarp.wire.Status;

/** What client and worker say to each other over a session; tensors are one number a page. */
sealed interface DataMessage {
  /** Client to worker, as docs/protocol.md has them. */
  sealed interface ToWorker extends DataMessage {
    record Open(LeaseToken token, int worker) implements ToWorker {}

    record Write(int page, long value) implements ToWorker {}

    /** To be completed once, with this slot and id. */
    record Post(int slot, long id, Kind kind, int page, long argument, long timeoutNs)
        implements ToWorker {}

    record Cancel(int slot, long id) implements ToWorker {}

    record Renew(LeaseToken token) implements ToWorker {}

    record Goodbye(boolean endsLease) implements ToWorker {}
  }

  sealed interface ToClient extends DataMessage {
    record Admitted() implements ToClient {}

    record Refused(Status status, String reason) implements ToClient {}

    record Completion(int slot, long id, Status status, long value) implements ToClient {}

    record Ended(Status status, String reason) implements ToClient {}
  }

  enum Kind {
    /** Makes the page's number {@link #result} and answers it. */
    INVOKE,
    FENCE,
    /** Answers the page's number. */
    PULL
  }

  /** What the one function that there is makes of a page. */
  static long result(long content, long argument) {
    return Long.rotateLeft(content * 31 + argument, 7) | 1;
  }
}
