package io.farwarp.executor.agent;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.net.InetAddress;
import java.util.concurrent.TimeUnit;

/** The gRPC channel to the gateway, with the agent's credential on every call. */
final class GatewayChannel {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final int MAX_MESSAGE_BYTES = 16 << 20;

  private GatewayChannel() {}

  static ManagedChannel open(AgentOptions options) throws IOException {
    NettyChannelBuilder builder =
        NettyChannelBuilder.forAddress(options.gatewayHost(), options.gatewayPort())
            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
            .keepAliveTime(10, TimeUnit.SECONDS)
            .keepAliveTimeout(10, TimeUnit.SECONDS)
            .withOption(
                io.grpc.netty.shaded.io.netty.channel.ChannelOption.CONNECT_TIMEOUT_MILLIS,
                (int) TimeUnit.SECONDS.toMillis(5));
    if (options.tlsAuthority().isPresent()) {
      builder.sslContext(
          GrpcSslContexts.forClient().trustManager(options.tlsAuthority().get().toFile()).build());
    } else if (InetAddress.getByName(options.gatewayHost()).isLoopbackAddress()) {
      builder.usePlaintext();
    } else {
      throw new IOException(
          "%s is not loopback, so the gateway's certificate authority is needed: give --tls-ca"
              .formatted(options.gatewayHost()));
    }
    Metadata credential = new Metadata();
    credential.put(AUTHORIZATION, "Bearer " + options.token());
    return builder.intercept(MetadataUtils.newAttachHeadersInterceptor(credential)).build();
  }
}
