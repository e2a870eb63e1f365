package io.farwarp.client;

import io.farwarp.rdma.linux.HostId;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;

/** A {@link TestWorker} in a process of its own, which a test can kill. It answers no call. */
final class TestWorkerProcess implements AutoCloseable {
  private final Process process;
  private final String shmAddress;
  private final String tcpAddress;

  TestWorkerProcess(Path directory, byte[] gatewayKey) throws IOException {
    process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    TestWorkerProcess.class.getName(),
                    directory.toString(),
                    HexFormat.of().formatHex(gatewayKey)))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    shmAddress = String.valueOf(out.readLine());
    tcpAddress = String.valueOf(out.readLine());
  }

  void serveAt(TestGateway gateway) {
    gateway.serve(HostId.local(), shmAddress, tcpAddress);
  }

  /** As kill -9 does. */
  void kill() {
    process.destroyForcibly();
  }

  @Override
  public void close() {
    kill();
    process.onExit().join();
  }

  /** Directory and gateway key as arguments; lives until its standard input ends. */
  public static void main(String[] arguments) throws IOException {
    byte[] key = HexFormat.of().parseHex(arguments[1]);
    TestWorker worker = new TestWorker(Path.of(arguments[0]), TestCloud.WINDOW_BYTES, key);
    for (int function = 1; function <= TestFunctions.ALL.size(); function++) {
      worker.script(function, _ -> {});
    }
    System.out.println(worker.shmAddress());
    System.out.println(worker.tcpAddress());
    if (System.in.read() < 0) {
      Runtime.getRuntime().halt(0);
    }
  }
}
