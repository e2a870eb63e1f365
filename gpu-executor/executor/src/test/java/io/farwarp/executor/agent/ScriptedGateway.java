package io.farwarp.executor.agent;

import com.google.protobuf.ByteString;
import io.farwarp.executor.TestLease;
import io.farwarp.function.FunctionPackage;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.AgentMessage;
import io.farwarp.v1.AgentWelcome;
import io.farwarp.v1.FetchFunctionRequest;
import io.farwarp.v1.FleetServiceGrpc;
import io.farwarp.v1.FunctionChunk;
import io.farwarp.v1.FunctionServiceGrpc;
import io.farwarp.v1.GatewayMessage;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The gateway's side of an agent's stream, played by a test over a real gRPC connection. */
final class ScriptedGateway implements AutoCloseable {
  static final String TOKEN = "agent-token";
  private static final long LIMIT_S = 30;
  private static final int FLOW_CONTROL_BYTES = 65_535;
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final TestLease lease;
  private final Map<ByteString, FunctionPackage> packages = new ConcurrentHashMap<>();
  private final BlockingQueue<AgentMessage> received = new LinkedBlockingQueue<>();
  private final BlockingQueue<AgentHello> hellos = new LinkedBlockingQueue<>();
  private final Server server;
  private volatile @Nullable StreamObserver<GatewayMessage> agent;
  private volatile boolean isReading;

  ScriptedGateway(TestLease lease, int port) throws IOException {
    this.lease = lease;
    this.server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
            .flowControlWindow(FLOW_CONTROL_BYTES)
            .addService(new Fleet())
            .addService(new Functions())
            .intercept(new Credential())
            .build()
            .start();
  }

  int port() {
    return server.getPort();
  }

  void offer(FunctionPackage functionPackage) {
    packages.put(ByteString.copyFrom(functionPackage.digest()), functionPackage);
  }

  synchronized void send(GatewayMessage.Builder message) {
    StreamObserver<GatewayMessage> stream = agent;
    if (stream == null) {
      throw new AssertionError("no agent is attached");
    }
    stream.onNext(message.build());
  }

  private synchronized void welcome(StreamObserver<GatewayMessage> observer) {
    agent = observer;
    observer.onNext(
        GatewayMessage.newBuilder()
            .setWelcome(
                AgentWelcome.newBuilder()
                    .setTokenPublicKey(ByteString.copyFrom(lease.gatewayKey()))
                    .setHeartbeatMs(100))
            .build());
  }

  /** Takes nothing more from the stream that is there; from the next one, again. */
  void stopReading() {
    isReading = false;
  }

  AgentHello awaitHello() throws InterruptedException {
    AgentHello hello = hellos.poll(LIMIT_S, TimeUnit.SECONDS);
    if (hello == null) {
      throw new AssertionError("no agent came");
    }
    return hello;
  }

  /** The next message of that kind; others are passed over. */
  AgentMessage await(Predicate<AgentMessage> wanted) throws InterruptedException {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_S);
    while (System.nanoTime() - deadlineNs < 0) {
      AgentMessage message = received.poll(1, TimeUnit.SECONDS);
      if (message != null && wanted.test(message)) {
        return message;
      }
    }
    throw new AssertionError("no such message");
  }

  @Override
  public void close() throws InterruptedException {
    server.shutdownNow();
    if (!server.awaitTermination(LIMIT_S, TimeUnit.SECONDS)) {
      throw new AssertionError("the server does not stop");
    }
  }

  private final class Fleet extends FleetServiceGrpc.FleetServiceImplBase {
    @Override
    public StreamObserver<AgentMessage> attach(StreamObserver<GatewayMessage> observer) {
      ServerCallStreamObserver<GatewayMessage> stream =
          (ServerCallStreamObserver<GatewayMessage>) observer;
      isReading = true;
      stream.disableAutoRequest();
      stream.request(1);
      return new StreamObserver<>() {
        @Override
        public void onNext(AgentMessage message) {
          if (isReading) {
            stream.request(1);
          }
          if (message.hasHello()) {
            welcome(observer);
            hellos.add(message.getHello());
          } else {
            received.add(message);
          }
        }

        @Override
        public void onError(Throwable failure) {
          agent = null;
        }

        @Override
        public void onCompleted() {
          observer.onCompleted();
        }
      };
    }
  }

  private final class Functions extends FunctionServiceGrpc.FunctionServiceImplBase {
    @Override
    public void fetch(FetchFunctionRequest request, StreamObserver<FunctionChunk> observer) {
      FunctionPackage found = packages.get(request.getDigest());
      if (found == null) {
        observer.onError(Status.NOT_FOUND.withDescription("no such package").asRuntimeException());
        return;
      }
      observer.onNext(
          FunctionChunk.newBuilder().setChunk(ByteString.copyFrom(found.bytes())).build());
      observer.onCompleted();
    }
  }

  private static final class Credential implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      if (!("Bearer " + TOKEN).equals(headers.get(AUTHORIZATION))) {
        call.close(Status.UNAUTHENTICATED.withDescription("unknown credential"), new Metadata());
        return new ServerCall.Listener<>() {};
      }
      return next.startCall(call, headers);
    }
  }
}
