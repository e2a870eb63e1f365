package io.farwarp.gateway;

import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseState;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;

/**
 * An Acquire call (ends when the lease is ACTIVE or has ended) or a Watch call (ends when the lease
 * has).
 */
final class LeaseStream implements LeaseListener {
  private final ServerCallStreamObserver<LeaseEvent> call;
  private final boolean untilActive;
  private boolean done;

  LeaseStream(ServerCallStreamObserver<LeaseEvent> call, boolean untilActive) {
    this.call = call;
    this.untilActive = untilActive;
  }

  @Override
  public boolean tokens() {
    return untilActive;
  }

  @Override
  public void event(LeaseEvent event) {
    // A reader that is slow misses places in the queue, no state.
    if (done || (event.getState() == LeaseState.QUEUED && !call.isReady())) {
      return;
    }
    call.onNext(event);
    boolean last =
        switch (event.getState()) {
          case LEASE_STATE_UNSPECIFIED, QUEUED, PREPARING, UNRECOGNIZED -> false;
          case ACTIVE -> untilActive;
          case RELEASED, EXPIRED, REVOKED, LOST, FAILED -> true;
        };
    if (last) {
      done = true;
      call.onCompleted();
    }
  }

  @Override
  public void failed(StatusRuntimeException error) {
    if (!done) {
      done = true;
      call.onError(error);
    }
  }
}
