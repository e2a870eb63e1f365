package io.farwarp.rdma.verbs.disni;

import com.ibm.disni.verbs.IbvWC;
import java.io.IOException;
import java.util.concurrent.TimeUnit;

/**
 * The last steps of a connection on this side: the farewell gets a moment to reach the peer's
 * device, the queue pair is moved to its error state, and the device gets a moment to let go of
 * what it still had. On the thread that polls.
 */
final class Drain {
  /** For each of the two steps; a peer that is there takes microseconds. */
  private static final long STEP_NS = TimeUnit.SECONDS.toNanos(1);

  private static final long LOOK_NS = TimeUnit.MILLISECONDS.toNanos(10);

  private final Endpoint endpoint;
  private final Sender sender;
  private boolean started;
  private boolean disconnected;
  private long deadlineNs;

  Drain(Endpoint endpoint, Sender sender) {
    this.endpoint = endpoint;
    this.sender = sender;
  }

  /** Does what can be done now; true once the device has nothing of this side's any more. */
  boolean advance() throws IOException {
    if (!started) {
      started = true;
      deadlineNs = System.nanoTime() + STEP_NS;
    }
    for (IbvWC completion = endpoint.completions().next();
        completion != null;
        completion = endpoint.completions().next()) {
      if (completion.getWr_id() != Receives.ID) {
        ended(completion);
      }
    }
    if (!disconnected) {
      if (sender.isFarewellPending() && !isLate()) {
        return false;
      }
      endpoint.id().disconnect();
      disconnected = true;
      deadlineNs = System.nanoTime() + STEP_NS;
    }
    return sender.outstanding() == 0 || isLate();
  }

  private void ended(IbvWC completion) {
    if (completion.getStatus() == WorkStatus.IBV_WC_SUCCESS) {
      sender.succeeded(completion.getWr_id());
    } else {
      sender.failed(completion.getWr_id(), completion.getStatus());
    }
  }

  private boolean isLate() {
    return System.nanoTime() - deadlineNs >= 0;
  }

  /** Until {@link #advance} may get further. */
  void await() throws IOException {
    endpoint.completions().await(LOOK_NS);
  }
}
