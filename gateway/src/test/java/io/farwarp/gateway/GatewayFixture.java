package io.farwarp.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.AdminServiceGrpc;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.FunctionServiceGrpc;
import io.farwarp.v1.Lease;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseServiceGrpc;
import io.farwarp.v1.LeaseState;
import io.farwarp.wire.Ed25519;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.function.Executable;

/** A gateway on loopback in a directory of its own, and calls to it with each credential. */
final class GatewayFixture implements AutoCloseable {
  private static final AtomicLong INCARNATIONS = new AtomicLong();
  static final KeyPair CLIENT_KEY = Ed25519.generate();

  private final UnaryOperator<GatewayConfig> configure;
  final Path directory;
  final List<FakeAgent> agents = new ArrayList<>();
  private final List<ManagedChannel> channels = new ArrayList<>();
  private Gateway gateway;
  private ManagedChannel channel;

  GatewayFixture(Path directory) throws GatewayException {
    this(directory, config -> config);
  }

  GatewayFixture(Path directory, UnaryOperator<GatewayConfig> configure) throws GatewayException {
    this(directory, configure, Gateway::openStore);
  }

  GatewayFixture(Path directory, UnaryOperator<GatewayConfig> configure, Gateway.StoreOpener store)
      throws GatewayException {
    this.directory = directory;
    this.configure = configure;
    this.gateway = Gateway.create(configure.apply(GatewayConfig.local(directory)), store);
    gateway.start();
    this.channel = channelTo(gateway.port());
  }

  /** A new gateway on the same directory, at another port. */
  void restart() throws GatewayException {
    gateway.close();
    gateway = Gateway.create(configure.apply(GatewayConfig.local(directory)));
    gateway.start();
    channel = channelTo(gateway.port());
  }

  int port() {
    return gateway.port();
  }

  private ManagedChannel channelTo(int port) {
    ManagedChannel made =
        NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().directExecutor().build();
    channels.add(made);
    return made;
  }

  Channel raw() {
    return channel;
  }

  String token(String role) {
    try {
      return Files.readString(directory.resolve(role + ".token")).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Channel as(String role) {
    return withToken(token(role));
  }

  Channel withToken(String token) {
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    return ClientInterceptors.intercept(
        channel, MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  LeaseServiceGrpc.LeaseServiceBlockingStub leases() {
    return leases("tenant");
  }

  LeaseServiceGrpc.LeaseServiceBlockingStub leases(String role) {
    return LeaseServiceGrpc.newBlockingStub(as(role)).withDeadlineAfter(30, TimeUnit.SECONDS);
  }

  FunctionServiceGrpc.FunctionServiceBlockingStub functions(String role) {
    return FunctionServiceGrpc.newBlockingStub(as(role)).withDeadlineAfter(30, TimeUnit.SECONDS);
  }

  AdminServiceGrpc.AdminServiceBlockingStub admin(String role) {
    return AdminServiceGrpc.newBlockingStub(as(role)).withDeadlineAfter(30, TimeUnit.SECONDS);
  }

  /** A fake agent that is attached and sends heartbeats. */
  FakeAgent agent(String executorId, long capacityMib) {
    return agentUnattached(executorId).attach(capacityMib).ready();
  }

  FakeAgent agentUnattached(String executorId) {
    FakeAgent agent =
        new FakeAgent(
            as("agent"),
            executorId,
            INCARNATIONS.incrementAndGet(),
            configure.apply(GatewayConfig.local(directory)).limits().heartbeatNs() / 1_000_000);
    agents.add(agent);
    return agent;
  }

  static AcquireRequest.Builder request(long windowMib) {
    UUID id = UUID.randomUUID();
    return AcquireRequest.newBuilder()
        .setRequestId(
            ByteString.copyFrom(
                ByteBuffer.allocate(16)
                    .putLong(id.getMostSignificantBits())
                    .putLong(id.getLeastSignificantBits())
                    .array()))
        .setClientPublicKey(ByteString.copyFrom(Ed25519.rawPublicKey(CLIENT_KEY.getPublic())))
        .setDeviceClass(DeviceClass.ANY)
        .setWindowBytes(windowMib << 20)
        .setDurationMs(60_000)
        .setWaitMs(20_000);
  }

  /** Acquires, and answers the lease. */
  Lease acquire(AcquireRequest.Builder request) {
    return lastEvent(leases().acquire(request.build()), LeaseState.ACTIVE).getLease();
  }

  static LeaseEvent lastEvent(Iterator<LeaseEvent> events, LeaseState state) {
    LeaseEvent last = LeaseEvent.getDefaultInstance();
    while (events.hasNext()) {
      last = events.next();
    }
    assertEquals(state, last.getState(), last.getReason());
    return last;
  }

  /** The call is refused with {@code code}; answers what it says. */
  static String refused(Status.Code code, Executable call) {
    StatusRuntimeException refused = assertThrows(StatusRuntimeException.class, call);
    assertEquals(code, refused.getStatus().getCode(), refused.toString());
    return String.valueOf(refused.getStatus().getDescription());
  }

  @Override
  public void close() {
    agents.forEach(FakeAgent::close);
    channels.forEach(ManagedChannel::shutdownNow);
    gateway.close();
  }
}
