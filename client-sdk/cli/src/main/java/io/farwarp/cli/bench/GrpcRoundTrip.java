package io.farwarp.cli.bench;

import com.google.protobuf.ByteString;
import com.google.protobuf.BytesValue;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;

/**
 * Baseline: a tensor of {@code bytes} there and back as protobuf bytes in a unary grpc-java call,
 * out of and into native memory.
 */
final class GrpcRoundTrip implements RoundTrip {
  private final PeerProcess peer;
  private final ManagedChannel channel;
  private final Arena arena = Arena.ofShared();
  private final ByteBuffer tensor;

  GrpcRoundTrip(int bytes) throws IOException {
    peer = new PeerProcess("grpc", "");
    int port = Integer.parseInt(peer.line());
    channel =
        NettyChannelBuilder.forAddress(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
            .usePlaintext()
            .maxInboundMessageSize(BaselinePeer.GRPC_MAX_BYTES)
            .build();
    MemorySegment memory = arena.allocate(bytes, 64);
    tensor = memory.asByteBuffer();
  }

  @Override
  public void resume() {}

  @Override
  public void once() {
    BytesValue request = BytesValue.of(ByteString.copyFrom(tensor.clear()));
    BytesValue response =
        ClientCalls.blockingUnaryCall(channel, BaselinePeer.ECHO, CallOptions.DEFAULT, request);
    response.getValue().copyTo(tensor.clear());
  }

  @Override
  public void pause() {}

  @Override
  public void close() throws IOException {
    channel.shutdownNow();
    peer.close();
    arena.close();
  }
}
