package io.farwarp.cli.bench.gateway;

import com.google.protobuf.ByteString;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.AgentMessage;
import io.farwarp.v1.DataPathAddress;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.DeviceReport;
import io.farwarp.v1.FleetServiceGrpc;
import io.farwarp.v1.GatewayMessage;
import io.farwarp.v1.Heartbeat;
import io.farwarp.v1.LeaseEnded;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.PrepareLease;
import io.farwarp.v1.RevokeLease;
import io.farwarp.v1.WorkerEndpoint;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;

/** An agent that speaks FleetService for real, and prepares and ends leases at once. */
final class WorkerlessAgent implements StreamObserver<GatewayMessage> {
  private static final long TIB = 1L << 40;
  private static final int WORKERS = 100_000;

  final CompletableFuture<Boolean> attached = new CompletableFuture<>();
  private final StreamObserver<AgentMessage> out;
  private long sequence;
  private boolean over;

  private WorkerlessAgent(Channel channel) {
    out = FleetServiceGrpc.newStub(channel).attach(this);
  }

  static WorkerlessAgent attach(Channel channel, String executorId, int number) {
    WorkerlessAgent agent = new WorkerlessAgent(channel);
    agent.send(
        AgentMessage.newBuilder()
            .setHello(
                AgentHello.newBuilder()
                    .setExecutorId(executorId)
                    .setIncarnation(
                        ByteString.copyFrom(ByteBuffer.allocate(16).putInt(number).array()))
                    .setVersion("benchmark")
                    .setHostId("host-" + number)
                    .setWindowCapacityBytes(TIB)
                    .setMaxWorkers(WORKERS)
                    .addDevices(
                        DeviceReport.newBuilder()
                            .setDeviceId("ptx-0")
                            .setDeviceClass(DeviceClass.PTX_CPU)
                            .setName("no device, a benchmark")
                            .setMemoryBytes(TIB)
                            .setComputeUnits(1))));
    return agent;
  }

  void beat() {
    send(AgentMessage.newBuilder().setHeartbeat(Heartbeat.getDefaultInstance()));
  }

  private synchronized void send(AgentMessage.Builder message) {
    if (!over) {
      out.onNext(message.setSequence(++sequence).build());
    }
  }

  @Override
  public void onNext(GatewayMessage message) {
    switch (message.getMessageCase()) {
      case WELCOME -> attached.complete(true);
      case PREPARE_LEASE -> prepared(message.getPrepareLease());
      case REVOKE -> ended(message.getRevoke());
      case PREPARE_FUNCTION, EXTEND, MESSAGE_NOT_SET -> {}
    }
  }

  private void prepared(PrepareLease prepare) {
    LeasePrepared.Builder answer = LeasePrepared.newBuilder().setLeaseId(prepare.getLeaseId());
    for (int i = 0; i < prepare.getWorkers(); i++) {
      answer.addWorkers(
          WorkerEndpoint.newBuilder()
              .setWorkerIndex(i)
              .addAddresses(
                  DataPathAddress.newBuilder().setTransport("tcp").setAddress("127.0.0.1:1")));
    }
    send(AgentMessage.newBuilder().setLeasePrepared(answer));
  }

  private void ended(RevokeLease revoke) {
    send(
        AgentMessage.newBuilder()
            .setLeaseEnded(
                LeaseEnded.newBuilder()
                    .setLeaseId(revoke.getLeaseId())
                    .setState(revoke.getState())
                    .setReason("told so")));
  }

  @Override
  public void onError(Throwable cause) {
    end();
    attached.completeExceptionally(cause);
  }

  @Override
  public void onCompleted() {
    end();
    attached.completeExceptionally(new IllegalStateException("the gateway has ended the stream"));
  }

  private synchronized void end() {
    over = true;
  }
}
