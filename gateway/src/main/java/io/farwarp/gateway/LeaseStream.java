package io.farwarp.gateway;

import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.LeaseToken;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * An Acquire call (ends when the lease is ACTIVE or has ended) or a Watch call (ends when the lease
 * has).
 */
final class LeaseStream implements LeaseListener {
  private final ServerCallStreamObserver<LeaseEvent> call;
  private final @Nullable BiConsumer<LeaseEvent, LeaseToken> holder;
  private boolean done;

  private LeaseStream(
      ServerCallStreamObserver<LeaseEvent> call,
      @Nullable BiConsumer<LeaseEvent, LeaseToken> holder) {
    this.call = call;
    this.holder = holder;
  }

  /** {@code holder} signs the tokens, sends the ACTIVE lease and completes the call. */
  static LeaseStream acquire(
      ServerCallStreamObserver<LeaseEvent> call, BiConsumer<LeaseEvent, LeaseToken> holder) {
    return new LeaseStream(call, holder);
  }

  static LeaseStream watch(ServerCallStreamObserver<LeaseEvent> call) {
    return new LeaseStream(call, null);
  }

  @Override
  public void event(LeaseEvent event) {
    // A reader that is slow misses places in the queue, no state.
    if (done || (event.getState() == LeaseState.QUEUED && !call.isReady())) {
      return;
    }
    call.onNext(event);
    switch (event.getState()) {
      case LEASE_STATE_UNSPECIFIED, QUEUED, PREPARING, ACTIVE, EXPIRING, UNRECOGNIZED -> {}
      case RELEASED, EXPIRED, REVOKED, LOST, FAILED -> {
        done = true;
        call.onCompleted();
      }
    }
  }

  @Override
  public void active(LeaseEvent event, LeaseToken token) {
    if (done) {
      return;
    }
    if (holder == null) {
      call.onNext(event);
    } else {
      done = true;
      holder.accept(event, token);
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
