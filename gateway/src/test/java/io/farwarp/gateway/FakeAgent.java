package io.farwarp.gateway;

import com.google.protobuf.ByteString;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.AgentMessage;
import io.farwarp.v1.AgentWelcome;
import io.farwarp.v1.DataPathAddress;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.DeviceReport;
import io.farwarp.v1.ExtendLease;
import io.farwarp.v1.FleetServiceGrpc;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.GatewayMessage;
import io.farwarp.v1.Heartbeat;
import io.farwarp.v1.HeldLease;
import io.farwarp.v1.LeaseEnded;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.PrepareLease;
import io.farwarp.v1.WorkerEndpoint;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * An agent that speaks FleetService for real and has no workers: it answers at once what it is
 * asked, unless it is told to keep silent.
 */
final class FakeAgent implements AutoCloseable, StreamObserver<GatewayMessage> {
  static final long MIB = 1L << 20;

  private final Channel channel;
  private final String executorId;
  private final long heartbeatMs;
  private final long incarnation;
  private final Map<String, HeldLease> held = new ConcurrentSkipListMap<>();
  final List<GatewayMessage> received = new ArrayList<>();
  final CompletableFuture<AgentWelcome> welcome = new CompletableFuture<>();
  final CompletableFuture<String> over = new CompletableFuture<>();
  private @Nullable StreamObserver<AgentMessage> out;
  private long sequence;
  volatile boolean beats = true;
  volatile boolean answersPrepare = true;
  volatile boolean answersFunctions = true;
  volatile String prepareError = "";
  volatile String functionError = "";

  FakeAgent(Channel channel, String executorId, long incarnation, long heartbeatMs) {
    this.channel = channel;
    this.executorId = executorId;
    this.incarnation = incarnation;
    this.heartbeatMs = heartbeatMs;
  }

  AgentHello.Builder hello(long capacityMib) {
    return AgentHello.newBuilder()
        .setExecutorId(executorId)
        .setIncarnation(ByteString.copyFrom(ByteBuffer.allocate(16).putLong(incarnation).array()))
        .setVersion("test")
        .setHostId("host-1")
        .setWindowCapacityBytes(capacityMib * MIB)
        .addDevices(
            DeviceReport.newBuilder()
                .setDeviceId("ptx-0")
                .setDeviceClass(DeviceClass.PTX_CPU)
                .setName("PTX CPU device (no GPU)")
                .setMemoryBytes(capacityMib * MIB)
                .setComputeUnits(2));
  }

  FakeAgent attach(long capacityMib) {
    return attach(hello(capacityMib).build());
  }

  /** Attaches and, once welcomed, sends heartbeats. */
  FakeAgent attach(AgentHello hello) {
    synchronized (this) {
      out = FleetServiceGrpc.newStub(channel).attach(this);
    }
    send(AgentMessage.newBuilder().setHello(hello));
    return this;
  }

  FakeAgent ready() {
    AgentWelcome unused = Await.future(welcome);
    ScheduledExecutorService heart =
        Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().daemon().factory());
    var _ = heart.scheduleAtFixedRate(this::beat, 0, heartbeatMs / 2, TimeUnit.MILLISECONDS);
    var _ = over.thenRun(heart::shutdownNow);
    return this;
  }

  private void beat() {
    if (beats) {
      send(AgentMessage.newBuilder().setHeartbeat(Heartbeat.getDefaultInstance()));
    }
  }

  synchronized void send(AgentMessage.Builder message) {
    StreamObserver<AgentMessage> stream = out;
    if (stream != null && !over.isDone()) {
      try {
        stream.onNext(message.setSequence(++sequence).build());
      } catch (IllegalStateException e) {
        over.complete("closed: " + e.getMessage());
      }
    }
  }

  @Override
  public void onNext(GatewayMessage message) {
    synchronized (this) {
      received.add(message);
      notifyAll();
    }
    switch (message.getMessageCase()) {
      case WELCOME -> welcome.complete(message.getWelcome());
      case PREPARE_LEASE -> {
        if (answersPrepare) {
          prepare(message.getPrepareLease());
        }
      }
      case PREPARE_FUNCTION -> {
        if (answersFunctions) {
          send(
              AgentMessage.newBuilder()
                  .setFunctionPrepared(
                      FunctionPrepared.newBuilder()
                          .setLeaseId(message.getPrepareFunction().getLeaseId())
                          .setFunctionId(message.getPrepareFunction().getFunction().getFunctionId())
                          .setError(functionError)
                          .setLoadMs(5)
                          .setWarmMs(6)));
        }
      }
      case REVOKE -> end(message.getRevoke().getLeaseId(), message.getRevoke().getState());
      case EXTEND, MESSAGE_NOT_SET -> {}
    }
  }

  void prepare(PrepareLease prepare) {
    LeasePrepared.Builder answer =
        LeasePrepared.newBuilder().setLeaseId(prepare.getLeaseId()).setError(prepareError);
    if (prepareError.isEmpty()) {
      held.put(
          prepare.getLeaseId(),
          HeldLease.newBuilder()
              .setLeaseId(prepare.getLeaseId())
              .setTenant(prepare.getTenant())
              .setDeviceId(prepare.getDeviceId())
              .setWindowBytes(prepare.getWindowBytes())
              .setShareMillis(prepare.getShareMillis())
              .setWorkers(prepare.getWorkers())
              .setTtlMs(prepare.getTtlMs())
              .build());
      for (int i = 0; i < prepare.getWorkers(); i++) {
        answer.addWorkers(
            WorkerEndpoint.newBuilder()
                .setWorkerIndex(i)
                .addAddresses(
                    DataPathAddress.newBuilder()
                        .setTransport("tcp")
                        .setAddress("127.0.0.1:" + (4000 + i))));
      }
      prepare
          .getFunctionsList()
          .forEach(function ->
              answer.addFunctions(
                  FunctionPrepared.newBuilder()
                      .setLeaseId(prepare.getLeaseId())
                      .setFunctionId(function.getFunctionId())));
    }
    send(AgentMessage.newBuilder().setLeasePrepared(answer));
  }

  void end(String leaseId, LeaseState state) {
    held.remove(leaseId);
    send(
        AgentMessage.newBuilder()
            .setLeaseEnded(
                LeaseEnded.newBuilder()
                    .setLeaseId(leaseId)
                    .setState(state)
                    .setReason("ended by the agent")));
  }

  /** It has these of an earlier stream. */
  void hold(List<HeldLease> leases) {
    leases.forEach(lease -> held.put(lease.getLeaseId(), lease));
  }

  List<HeldLease> held() {
    return List.copyOf(held.values());
  }

  /** Waits until it has been sent {@code times} messages of this kind. */
  synchronized void await(GatewayMessage.MessageCase kind, int times) {
    Await.notified(this, times + " of " + kind, () -> count(kind) == times);
  }

  /** Waits until {@code leaseId} has been extended {@code times} times. */
  synchronized void awaitExtensions(String leaseId, int times) {
    Await.notified(this, times + " extensions", () -> extensions(leaseId).size() == times);
  }

  synchronized List<PrepareLease> prepares() {
    return received.stream()
        .filter(GatewayMessage::hasPrepareLease)
        .map(GatewayMessage::getPrepareLease)
        .toList();
  }

  synchronized List<ExtendLease> extensions(String leaseId) {
    return received.stream()
        .filter(GatewayMessage::hasExtend)
        .map(GatewayMessage::getExtend)
        .filter(extend -> extend.getLeaseId().equals(leaseId))
        .toList();
  }

  synchronized long count(GatewayMessage.MessageCase kind) {
    return received.stream().filter(message -> message.getMessageCase() == kind).count();
  }

  @Override
  public void onError(Throwable cause) {
    over.complete(String.valueOf(cause.getMessage()));
    welcome.completeExceptionally(cause);
  }

  @Override
  public void onCompleted() {
    over.complete("");
  }

  /** Breaks the stream, as a process that dies does. */
  @Override
  public synchronized void close() {
    StreamObserver<AgentMessage> stream = out;
    if (stream != null && !over.isDone()) {
      over.complete("closed by the test");
      stream.onError(new IllegalStateException("the agent is gone"));
    }
  }
}
