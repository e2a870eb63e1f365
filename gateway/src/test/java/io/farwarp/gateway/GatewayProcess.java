package io.farwarp.gateway;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;

/** The gateway's command as a process of its own. */
final class GatewayProcess implements AutoCloseable {
  private final Path errors;
  final Process process;

  /** Of the gateway, once it is ready. */
  private int port;

  private GatewayProcess(Process process, Path errors) {
    this.process = process;
    this.errors = errors;
  }

  /** Runs the command as the {@code farwarp} program does: errors are one line. */
  static final class Main {
    private Main() {}

    public static void main(String[] arguments) {
      CommandLine line =
          new CommandLine(new GatewayCommand())
              .setExecutionExceptionHandler((e, command, _) -> {
                command.getErr().println("error: " + e.getMessage());
                return 1;
              });
      System.exit(line.execute(arguments));
    }
  }

  static GatewayProcess start(String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(List.of(arguments));
    Path errors = Files.createTempFile("gateway", ".err");
    return new GatewayProcess(
        new ProcessBuilder(command).redirectError(errors.toFile()).start(), errors);
  }

  /** One on a free port, which takes calls. */
  static GatewayProcess ready(Path data) throws IOException {
    GatewayProcess started = start("--listen", "127.0.0.1:0", "--data-dir", data.toString());
    String ready = started.process.inputReader().readLine();
    assertTrue(
        ready != null && ready.matches("gateway ready on 127\\.0\\.0\\.1:[1-9][0-9]*"),
        () -> "said: " + ready + ", and " + started.errors());
    started.port = Integer.parseInt(ready.substring(ready.lastIndexOf(':') + 1));
    return started;
  }

  /** With the credential of {@code role} that the gateway made in {@code data}. */
  ManagedChannel connect(Path data, String role) throws IOException {
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER),
        "Bearer " + Files.readString(data.resolve(role + ".token")).strip());
    return NettyChannelBuilder.forAddress("127.0.0.1", port)
        .usePlaintext()
        .intercept(MetadataUtils.newAttachHeadersInterceptor(headers))
        .build();
  }

  String errors() {
    try {
      return Files.readString(errors);
    } catch (IOException e) {
      return e.toString();
    }
  }

  void kill9() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  @Override
  public void close() throws IOException {
    process.destroyForcibly();
    Files.delete(errors);
  }
}
