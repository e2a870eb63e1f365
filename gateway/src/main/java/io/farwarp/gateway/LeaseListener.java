package io.farwarp.gateway;

import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseToken;
import io.grpc.StatusRuntimeException;

/** A call that follows one lease. Called on the thread of {@link LeaseControl} only. */
interface LeaseListener {
  /** The lease is in another state than ACTIVE, or in another place of the queue. */
  void event(LeaseEvent event);

  /**
   * The lease is ACTIVE.
   *
   * @param token what the tokens say that its holder is to get; signing them takes too long for
   *     this thread
   */
  void active(LeaseEvent event, LeaseToken token);

  /** No event follows: the gateway cannot go on with the call. */
  void failed(StatusRuntimeException error);
}
