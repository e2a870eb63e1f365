package io.farwarp.gateway;

import static io.farwarp.gateway.GatewayFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.AdminServiceGrpc;
import io.farwarp.v1.FunctionServiceGrpc;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.LeaseRow;
import io.farwarp.v1.LeaseServiceGrpc;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.ListFunctionsRequest;
import io.farwarp.v1.ListLeasesRequest;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The command as a process of its own. */
class GatewayCommandTest {
  @TempDir Path directory;
  private final List<Process> processes = new ArrayList<>();
  private int port;

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

  @AfterEach
  void stop() {
    processes.forEach(Process::destroyForcibly);
  }

  private Process start(String... arguments) throws IOException {
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
    Process process =
        new ProcessBuilder(command)
            .redirectError(directory.resolve("stderr-" + processes.size()).toFile())
            .start();
    processes.add(process);
    return process;
  }

  private String errors(int process) throws IOException {
    return Files.readString(directory.resolve("stderr-" + process));
  }

  private Process startReady() throws IOException {
    Process process =
        start("--listen", "127.0.0.1:0", "--data-dir", directory.resolve("data").toString());
    BufferedReader out = process.inputReader();
    String ready = out.readLine();
    assertTrue(
        ready != null && ready.matches("gateway ready on 127\\.0\\.0\\.1:[1-9][0-9]*"),
        () -> "said: " + ready);
    port = Integer.parseInt(ready.substring(ready.lastIndexOf(':') + 1));
    return process;
  }

  @Test
  void it_says_one_line_and_ends_with_0_on_sigterm() throws Exception {
    Process process = startReady();
    // The handle's, which leaves the process's output to be read to its end.
    assertTrue(process.toHandle().destroy());
    assertTrue(process.waitFor(30, TimeUnit.SECONDS));
    assertEquals(0, process.exitValue());
    assertEquals(null, process.inputReader().readLine());
  }

  @Test
  void no_acknowledged_function_is_lost_by_kill_9() throws Exception {
    Process process = startReady();
    ManagedChannel channel = connect();
    List<String> acknowledged = new CopyOnWriteArrayList<>();
    CountDownLatch some = new CountDownLatch(20);
    Thread pusher =
        Thread.ofVirtual()
            .start(() ->
                untilKilled(
                    acknowledged,
                    some,
                    i ->
                        TestPackages.push(channel, TestPackages.of("f", "v" + i, "// " + i))
                            .getVersion()));
    assertTrue(some.await(60, TimeUnit.SECONDS));
    process.destroyForcibly().waitFor();
    pusher.join();
    channel.shutdownNow();
    startReady();
    ManagedChannel again = connect();
    Set<String> listed =
        FunctionServiceGrpc.newBlockingStub(again)
            .list(ListFunctionsRequest.getDefaultInstance())
            .getFunctionsList()
            .stream()
            .map(FunctionVersion::getVersion)
            .collect(Collectors.toSet());
    again.shutdownNow();
    assertTrue(listed.containsAll(acknowledged), () -> acknowledged + " but " + listed);
    try (Stream<Path> blobs = Files.list(directory.resolve("data/functions/blobs"))) {
      assertEquals(listed.size(), blobs.count());
    }
  }

  /**
   * Each lease is told to be active when it is on disk, and so it is there whenever the kill comes.
   */
  @Test
  void no_acknowledged_lease_is_lost_by_kill_9() throws Exception {
    Process process = startReady();
    ManagedChannel channel = connect();
    ManagedChannel agents = connect("agent");
    FakeAgent agent = new FakeAgent(agents, "exec-1", 1, 1000);
    agent.attach(agent.hello(2_000).setMaxWorkers(1_000).build()).ready();
    List<String> acknowledged = new CopyOnWriteArrayList<>();
    CountDownLatch some = new CountDownLatch(20);
    Thread asker =
        Thread.ofVirtual()
            .start(() ->
                untilKilled(
                    acknowledged,
                    some,
                    _ ->
                        GatewayFixture.lastEvent(
                                LeaseServiceGrpc.newBlockingStub(channel)
                                    .acquire(request(2).setShareMillis(1).build()),
                                LeaseState.ACTIVE)
                            .getLeaseId()));
    assertTrue(some.await(60, TimeUnit.SECONDS));
    process.destroyForcibly().waitFor();
    asker.join();
    channel.shutdownNow();
    agents.shutdownNow();
    startReady();
    ManagedChannel again = connect();
    Set<String> active =
        AdminServiceGrpc.newBlockingStub(again)
            .listLeases(ListLeasesRequest.getDefaultInstance())
            .getLeasesList()
            .stream()
            .filter(row -> row.getState() == LeaseState.ACTIVE)
            .map(LeaseRow::getLeaseId)
            .collect(Collectors.toSet());
    again.shutdownNow();
    assertTrue(active.containsAll(acknowledged), () -> acknowledged + " but " + active);
  }

  /** Does {@code action} again and again, and notes each answer, until there is no gateway. */
  private static void untilKilled(
      List<String> acknowledged, CountDownLatch some, IntFunction<String> action) {
    for (int i = 0; ; i++) {
      try {
        acknowledged.add(action.apply(i));
      } catch (StatusRuntimeException e) {
        return;
      }
      some.countDown();
    }
  }

  private ManagedChannel connect() throws IOException {
    return connect("tenant");
  }

  private ManagedChannel connect(String role) throws IOException {
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER),
        "Bearer " + Files.readString(directory.resolve("data/" + role + ".token")).strip());
    return NettyChannelBuilder.forAddress("127.0.0.1", port)
        .usePlaintext()
        .intercept(MetadataUtils.newAttachHeadersInterceptor(headers))
        .build();
  }

  @Test
  void taken_port_is_one_line_and_status_1() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Process process =
          start(
              "--listen",
              "127.0.0.1:" + taken.getLocalPort(),
              "--data-dir",
              directory.resolve("data").toString());
      assertTrue(process.waitFor(30, TimeUnit.SECONDS));
      assertEquals(1, process.exitValue());
      String errors = errors(0);
      assertTrue(errors.contains("cannot listen on 127.0.0.1:" + taken.getLocalPort()), errors);
    }
  }

  @Test
  void wrong_use_is_status_2() throws Exception {
    Process process = start("--listen", "127.0.0.1:99999");
    assertTrue(process.waitFor(30, TimeUnit.SECONDS));
    assertEquals(2, process.exitValue(), errors(0));
  }
}
