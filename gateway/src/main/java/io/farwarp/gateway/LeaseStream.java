package io.farwarp.gateway;

import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseState;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.function.Consumer;

/**
 * An Acquire call (ends when the lease is ACTIVE or has ended) or a Watch call (ends when the lease
 * has).
 */
final class LeaseStream implements LeaseListener {
  private final ServerCallStreamObserver<LeaseEvent> call;
  private final boolean untilActive;
  private final Consumer<LeaseEvent> active;
  private boolean done;

  private LeaseStream(
      ServerCallStreamObserver<LeaseEvent> call, boolean untilActive, Consumer<LeaseEvent> active) {
    this.call = call;
    this.untilActive = untilActive;
    this.active = active;
  }

  /** {@code active} sends the ACTIVE lease and completes the call. */
  static LeaseStream acquire(
      ServerCallStreamObserver<LeaseEvent> call, Consumer<LeaseEvent> active) {
    return new LeaseStream(call, true, active);
  }

  static LeaseStream watch(ServerCallStreamObserver<LeaseEvent> call) {
    return new LeaseStream(call, false, _ -> {});
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
    if (event.getState() == LeaseState.ACTIVE && untilActive) {
      done = true;
      active.accept(event);
      return;
    }
    call.onNext(event);
    switch (event.getState()) {
      case LEASE_STATE_UNSPECIFIED, QUEUED, PREPARING, ACTIVE, UNRECOGNIZED -> {}
      case RELEASED, EXPIRED, REVOKED, LOST, FAILED -> {
        done = true;
        call.onCompleted();
      }
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
