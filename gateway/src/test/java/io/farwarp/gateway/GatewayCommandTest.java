package io.farwarp.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command as a process of its own. */
class GatewayCommandTest {
  @TempDir Path directory;
  private final List<GatewayProcess> processes = new ArrayList<>();

  @AfterEach
  void stop() throws IOException {
    for (GatewayProcess process : processes) {
      process.close();
    }
  }

  private GatewayProcess start(String... arguments) throws IOException {
    processes.add(GatewayProcess.start(arguments));
    return processes.getLast();
  }

  @Test
  void it_says_one_line_and_ends_with_0_on_sigterm() throws Exception {
    GatewayProcess gateway = GatewayProcess.ready(directory.resolve("data"));
    processes.add(gateway);
    Process process = gateway.process;
    // The handle's, which leaves the process's output to be read to its end.
    assertTrue(process.toHandle().destroy());
    assertTrue(process.waitFor(30, TimeUnit.SECONDS));
    assertEquals(0, process.exitValue());
    assertEquals(null, process.inputReader().readLine());
  }

  @Test
  void taken_port_is_one_line_and_status_1() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      GatewayProcess gateway =
          start(
              "--listen",
              "127.0.0.1:" + taken.getLocalPort(),
              "--data-dir",
              directory.resolve("data").toString());
      assertTrue(gateway.process.waitFor(30, TimeUnit.SECONDS));
      assertEquals(1, gateway.process.exitValue());
      String errors = gateway.errors();
      assertTrue(errors.contains("cannot listen on 127.0.0.1:" + taken.getLocalPort()), errors);
    }
  }

  @Test
  void wrong_use_is_status_2() throws Exception {
    GatewayProcess gateway = start("--listen", "127.0.0.1:99999");
    assertTrue(gateway.process.waitFor(30, TimeUnit.SECONDS));
    assertEquals(2, gateway.process.exitValue(), gateway.errors());
  }
}
