package io.farwarp.client;

import com.google.common.net.HostAndPort;
import io.farwarp.wire.Status;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The connection to a gateway: address, trust, credential, and what its errors mean. */
final class GatewayChannel implements AutoCloseable {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> FARWARP_STATUS =
      Metadata.Key.of("farwarp-status", Metadata.ASCII_STRING_MARSHALLER);
  private static final int MAX_TOKEN_FILE_BYTES = 4096;
  private static final int MAX_GATEWAY_MESSAGE_BYTES = 16 << 20;

  private final ManagedChannel channel;
  private final String address;
  private final String token;

  private GatewayChannel(ManagedChannel channel, String address, String token) {
    this.channel = channel;
    this.address = address;
    this.token = token;
  }

  /** Checks what can be checked without the network; the connection is made by the first call. */
  static GatewayChannel open(ConnectOptions options) {
    HostAndPort address = options.address();
    ChannelCredentials credentials = credentials(options);
    ManagedChannel channel =
        Grpc.newChannelBuilderForAddress(address.getHost(), address.getPort(), credentials)
            .maxInboundMessageSize(MAX_GATEWAY_MESSAGE_BYTES)
            .build();
    try {
      return new GatewayChannel(channel, address.toString(), token(options));
    } catch (GatewayException e) {
      channel.shutdownNow();
      throw e;
    }
  }

  Channel channel() {
    return io.grpc.ClientInterceptors.intercept(channel, new Bearer(token));
  }

  /** Connects at once, where the channel would have waited longer after failures. */
  void reconnect() {
    channel.resetConnectBackoff();
  }

  String address() {
    return address;
  }

  private static ChannelCredentials credentials(ConnectOptions options) {
    Optional<Path> ca = options.tlsCa();
    if (ca.isPresent()) {
      try {
        return TlsChannelCredentials.newBuilder().trustManager(ca.get().toFile()).build();
      } catch (IOException e) {
        throw new GatewayException(
            Status.INVALID_ARGUMENT, "TLS authority " + ca.get() + " cannot be read: " + e, e);
      }
    }
    String host = options.address().getHost();
    try {
      boolean loopback =
          Arrays.stream(InetAddress.getAllByName(host)).allMatch(InetAddress::isLoopbackAddress);
      if (!loopback) {
        throw new GatewayException(
            Status.PERMISSION_DENIED,
            ("gateway %s is not on loopback: plaintext would show the credential to the network; give"
                    + " the gateway's certificate authority (TLS CA)")
                .formatted(options.address()));
      }
    } catch (UnknownHostException e) {
      throw new GatewayException(
          Status.LINK_BROKEN, "gateway host " + host + " cannot be resolved", e);
    }
    return InsecureChannelCredentials.create();
  }

  private static String token(ConnectOptions options) {
    Path file = tokenFile(options);
    try {
      long bytes = Files.size(file);
      if (bytes > MAX_TOKEN_FILE_BYTES) {
        throw new GatewayException(
            Status.UNAUTHENTICATED,
            "token file %s has %d bytes; a credential has at most %d"
                .formatted(file, bytes, MAX_TOKEN_FILE_BYTES));
      }
      String token = Files.readString(file).strip();
      if (token.isEmpty() || !token.chars().allMatch(c -> c > ' ' && c < 0x7F)) {
        throw new GatewayException(
            Status.UNAUTHENTICATED, "token file " + file + " holds no credential on one line");
      }
      return token;
    } catch (IOException e) {
      throw new GatewayException(
          Status.UNAUTHENTICATED,
          "token file %s cannot be read: give one as an option or in FARWARP_TOKEN_FILE"
              .formatted(file),
          e);
    }
  }

  private static Path tokenFile(ConnectOptions options) {
    if (options.tokenFile().isPresent()) {
      return options.tokenFile().get();
    }
    @Nullable String named = System.getenv("FARWARP_TOKEN_FILE");
    if (named != null && !named.isEmpty()) {
      return Path.of(named);
    }
    return Path.of(System.getProperty("user.home", "/"), ".config", "farwarp", "token");
  }

  /** The gateway's own status for {@code error}, or what its gRPC code comes nearest to. */
  static Status statusOf(Throwable error) {
    if (!(error instanceof StatusRuntimeException e)) {
      return error instanceof FarwarpException known ? known.status() : Status.INTERNAL;
    }
    @Nullable Metadata trailers = e.getTrailers();
    @Nullable String named = trailers == null ? null : trailers.get(FARWARP_STATUS);
    return named == null ? nearest(e.getStatus().getCode()) : named(named, Status.INTERNAL);
  }

  /** The status with this name, or {@code otherwise} for a name that this version does not know. */
  static Status named(String name, Status otherwise) {
    for (Status status : Status.values()) {
      if (status.name().equals(name)) {
        return status;
      }
    }
    return otherwise;
  }

  private static Status nearest(io.grpc.Status.Code code) {
    return switch (code) {
      case OK -> Status.OK;
      case CANCELLED -> Status.CANCELLED;
      case DEADLINE_EXCEEDED -> Status.DEADLINE_EXCEEDED;
      case INVALID_ARGUMENT, ALREADY_EXISTS, FAILED_PRECONDITION, NOT_FOUND ->
          Status.INVALID_ARGUMENT;
      case OUT_OF_RANGE -> Status.OUT_OF_RANGE;
      case UNAUTHENTICATED -> Status.UNAUTHENTICATED;
      case PERMISSION_DENIED -> Status.PERMISSION_DENIED;
      case RESOURCE_EXHAUSTED -> Status.RESOURCE_EXHAUSTED;
      case UNAVAILABLE -> Status.LINK_BROKEN;
      case ABORTED, UNIMPLEMENTED, INTERNAL, UNKNOWN, DATA_LOSS -> Status.INTERNAL;
    };
  }

  /** What a person reads: the gateway's description, or that it cannot be reached. */
  String messageOf(Throwable error) {
    if (error instanceof StatusRuntimeException e) {
      @Nullable String description = e.getStatus().getDescription();
      io.grpc.Status.Code code = e.getStatus().getCode();
      if (code == io.grpc.Status.Code.UNAVAILABLE) {
        @Nullable Throwable cause = e.getCause();
        String why = cause != null && cause.getMessage() != null ? cause.getMessage() : "";
        return "gateway %s cannot be reached: %s%s"
            .formatted(
                address,
                description == null ? "" : description,
                why.isEmpty() ? "" : " (" + why + ")");
      }
      return description == null ? "gateway %s answered %s".formatted(address, code) : description;
    }
    return String.valueOf(error.getMessage());
  }

  GatewayException error(String what, Throwable error) {
    return new GatewayException(statusOf(error), what + ": " + messageOf(error), error);
  }

  @Override
  public void close() {
    channel.shutdown();
    try {
      if (!channel.awaitTermination(2, TimeUnit.SECONDS)) {
        channel.shutdownNow();
      }
    } catch (InterruptedException e) {
      channel.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }

  /** Puts the credential on every call. */
  private record Bearer(String token) implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions callOptions, Channel next) {
      return new ForwardingClientCall.SimpleForwardingClientCall<Q, A>(
          next.newCall(method, callOptions)) {
        @Override
        public void start(Listener<A> responseListener, Metadata headers) {
          headers.put(AUTHORIZATION, "Bearer " + token);
          super.start(responseListener, headers);
        }
      };
    }

    @Override
    public String toString() {
      return "Bearer";
    }
  }
}
