package io.farwarp.gateway;

import io.farwarp.v1.AgentMessage;
import io.farwarp.v1.FleetServiceGrpc;
import io.farwarp.v1.GatewayMessage;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** FleetService: hands each agent's stream to an {@link AgentStream}. */
final class FleetCalls extends FleetServiceGrpc.FleetServiceImplBase {
  private final LeaseControl control;

  FleetCalls(LeaseControl control) {
    this.control = control;
  }

  @Override
  public StreamObserver<AgentMessage> attach(StreamObserver<GatewayMessage> observer) {
    ServerCallStreamObserver<GatewayMessage> call =
        (ServerCallStreamObserver<GatewayMessage>) observer;
    AgentStream stream = new AgentStream(control, new AgentLink(Caller.current().name(), call));
    call.setOnCancelHandler(stream::gone);
    CompletableFuture.delayedExecutor(AgentStream.HELLO_LIMIT_S, TimeUnit.SECONDS)
        .execute(stream::closeWithoutHello);
    return stream;
  }
}
