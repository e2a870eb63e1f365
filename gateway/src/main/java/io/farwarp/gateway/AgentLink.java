package io.farwarp.gateway;

import io.farwarp.v1.GatewayMessage;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The gateway's end of one agent's stream. Written on the thread of {@link LeaseControl} only;
 * heartbeats are recorded on any.
 */
final class AgentLink {
  /** Messages that an agent may leave unread before its stream is closed. */
  private static final int MAX_UNREAD = 4096;

  private final ServerCallStreamObserver<GatewayMessage> stream;
  private final String agent;
  private int unread;
  private boolean closed;
  private volatile long heardNs;
  private final AtomicBoolean untaken = new AtomicBoolean();

  AgentLink(String agent, ServerCallStreamObserver<GatewayMessage> stream) {
    this.agent = agent;
    this.stream = stream;
  }

  /** Name of the credential that the agent came with. */
  String agent() {
    return agent;
  }

  /** Records a heartbeat; true: all earlier ones have been taken. */
  boolean heard(long nowNs) {
    heardNs = nowNs;
    return untaken.compareAndSet(false, true);
  }

  /** Takes all heartbeats up to now; answers when the last one came. */
  long takeHeardNs() {
    untaken.set(false);
    return heardNs;
  }

  void send(GatewayMessage message) {
    if (closed) {
      return;
    }
    unread = stream.isReady() ? 0 : unread + 1;
    if (unread > MAX_UNREAD) {
      close(
          Status.RESOURCE_EXHAUSTED
              .withDescription(MAX_UNREAD + " messages are unread: attach again")
              .asRuntimeException());
      return;
    }
    stream.onNext(message);
  }

  void close(StatusRuntimeException why) {
    if (!closed) {
      closed = true;
      stream.onError(why);
    }
  }

  void complete() {
    if (!closed) {
      closed = true;
      stream.onCompleted();
    }
  }
}
