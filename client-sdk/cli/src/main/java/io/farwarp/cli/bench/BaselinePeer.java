package io.farwarp.cli.bench;

import com.google.protobuf.BytesValue;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ServerCalls;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The other process of a baseline: echoes, and sleeps on its standard input between bursts. Started
 * as {@code BaselinePeer KIND ARGUMENT}; ends when its standard input does.
 */
public final class BaselinePeer {
  /** Unary echo of a protobuf message that holds one tensor's bytes. */
  static final MethodDescriptor<BytesValue, BytesValue> ECHO =
      MethodDescriptor.<BytesValue, BytesValue>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("baseline.Echo/Echo")
          .setRequestMarshaller(ProtoUtils.marshaller(BytesValue.getDefaultInstance()))
          .setResponseMarshaller(ProtoUtils.marshaller(BytesValue.getDefaultInstance()))
          .build();

  static final int GRPC_MAX_BYTES = 256 << 20;

  /** First byte of a NIO message after which the peer goes to sleep. */
  static final byte LAST = 1;

  private static final BufferedReader COMMANDS =
      new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

  private BaselinePeer() {}

  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "spin" -> shared(Path.of(args[1]), false);
      case "futex" -> shared(Path.of(args[1]), true);
      case "nio" -> nio(Integer.parseInt(args[1]));
      case "grpc" -> grpc();
      default -> throw new IllegalArgumentException("unknown baseline " + args[0]);
    }
  }

  private static boolean told() throws IOException {
    return COMMANDS.readLine() != null;
  }

  private static void shared(Path file, boolean futex) throws IOException {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment page = SharedLines.map(file, arena);
      SharedLines lines = new SharedLines(page, SharedLines.PONG, SharedLines.PING);
      long sequence = 0;
      System.out.println("ready");
      while (told()) {
        boolean more = true;
        while (more) {
          sequence++;
          long word = futex ? lines.awaitFutex(sequence) : lines.awaitSpinning(sequence);
          more = word != SharedLines.LAST;
          lines.post(sequence, word, futex);
        }
      }
    }
  }

  private static void nio(int bytes) throws IOException {
    try (ServerSocketChannel server = ServerSocketChannel.open()) {
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      System.out.println(((InetSocketAddress) server.getLocalAddress()).getPort());
      try (SocketChannel channel = server.accept()) {
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.configureBlocking(false);
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes);
        while (told()) {
          boolean more = true;
          while (more) {
            NioRoundTrip.readFully(channel, buffer.clear());
            more = buffer.get(0) != LAST;
            NioRoundTrip.writeFully(channel, buffer.flip());
          }
        }
      }
    }
  }

  private static void grpc() throws IOException {
    ServerServiceDefinition service =
        ServerServiceDefinition.builder("baseline.Echo")
            .addMethod(
                ECHO,
                ServerCalls.asyncUnaryCall((request, observer) -> {
                  observer.onNext(request);
                  observer.onCompleted();
                }))
            .build();
    Server server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .maxInboundMessageSize(GRPC_MAX_BYTES)
            .directExecutor()
            .addService(service)
            .build()
            .start();
    System.out.println(server.getPort());
    while (told()) {
      // A gRPC server sleeps by itself; the loop only waits for the end of input.
    }
    server.shutdownNow();
  }
}
