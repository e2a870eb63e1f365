package io.farwarp.gateway;

import io.farwarp.v1.LeaseEvent;
import io.grpc.StatusRuntimeException;

/** A call that follows one lease. Called on the thread of {@link LeaseControl} only. */
interface LeaseListener {
  /** True: it also gets the tokens of an ACTIVE lease. */
  boolean tokens();

  void event(LeaseEvent event);

  /** No event follows: the gateway cannot go on with the call. */
  void failed(StatusRuntimeException error);
}
