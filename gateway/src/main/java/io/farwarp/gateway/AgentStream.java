package io.farwarp.gateway;

import io.farwarp.gateway.book.Command;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.AgentMessage;
import io.farwarp.v1.LeaseEnded;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.wire.Status;
import io.grpc.stub.StreamObserver;
import org.jspecify.annotations.Nullable;

/**
 * What one agent sends, turned into commands for the lease book; gRPC calls it from one thread at a
 * time.
 */
final class AgentStream implements StreamObserver<AgentMessage> {
  static final long HELLO_LIMIT_S = 10;

  private final LeaseControl control;
  private final AgentLink link;
  private volatile @Nullable AgentHello hello;
  private long sequence;
  private boolean over;

  AgentStream(LeaseControl control, AgentLink link) {
    this.control = control;
    this.link = link;
  }

  @Override
  public void onNext(AgentMessage message) {
    if (over) {
      return;
    }
    try {
      if (message.getSequence() != sequence + 1) {
        throw Refusal.of(
            Status.PROTOCOL_ERROR,
            "message %d follows %d".formatted(message.getSequence(), sequence));
      }
      sequence++;
      take(message);
    } catch (Refusal | RuntimeException e) {
      over = true;
      detach();
      control.run(() -> link.close(Replies.toGrpc(e)));
    }
  }

  private void take(AgentMessage message) throws Refusal {
    AgentHello known = hello;
    if (known == null) {
      if (!message.hasHello()) {
        throw Refusal.of(Status.PROTOCOL_ERROR, "the first message must be hello");
      }
      AgentChecks.check(message.getHello());
      hello = message.getHello();
      // What follows on the stream comes to the book behind this, and means nothing if it is
      // refused.
      var _ = control.attach(link, message.getHello());
      return;
    }
    String executorId = known.getExecutorId();
    if (message.hasHeartbeat()) {
      control.heartbeat(executorId, link);
      return;
    }
    Command command =
        switch (message.getMessageCase()) {
          case LEASE_PREPARED -> {
            LeasePrepared prepared = message.getLeasePrepared();
            AgentChecks.check(prepared);
            yield new Command.Prepared(executorId, AgentChecks.shortened(prepared));
          }
          case FUNCTION_PREPARED ->
              new Command.FunctionAnswered(
                  executorId, AgentChecks.shortened(message.getFunctionPrepared()));
          case LEASE_ENDED -> {
            LeaseEnded ended = message.getLeaseEnded();
            yield new Command.Ended(
                executorId,
                ended.getLeaseId(),
                ended.getState(),
                AgentChecks.reason(ended.getReason()));
          }
          case DEVICE_STATE ->
              new Command.DeviceState(
                  executorId,
                  message.getDeviceState().getDeviceId(),
                  AgentChecks.reason(message.getDeviceState().getOutOfService()));
          case DRAINING -> new Command.AgentDraining(executorId);
          case HELLO -> throw Refusal.of(Status.PROTOCOL_ERROR, "a second hello");
          case HEARTBEAT, MESSAGE_NOT_SET ->
              throw Refusal.of(Status.PROTOCOL_ERROR, "a message of an unknown kind");
        };
    control.fromAgent(executorId, link, command);
  }

  @Override
  public void onError(Throwable cause) {
    gone();
  }

  @Override
  public void onCompleted() {
    gone();
    control.run(link::complete);
  }

  void gone() {
    if (!over) {
      over = true;
      detach();
    }
  }

  private void detach() {
    AgentHello known = hello;
    if (known != null) {
      control.detached(
          known.getExecutorId(),
          link,
          new Command.AgentDetached(known.getExecutorId(), known.getIncarnation()));
    }
  }

  void closeWithoutHello() {
    if (hello == null) {
      Refusal late =
          Refusal.of(Status.DEADLINE_EXCEEDED, "no hello came within " + HELLO_LIMIT_S + " s");
      control.run(() -> link.close(late.toGrpc()));
    }
  }
}
