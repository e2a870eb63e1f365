package io.farwarp.rdma.verbs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assumptions.abort;

import io.farwarp.rdma.Connection;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the kernel counts of protection domains, queues, ids and regions, by rdma-resource(8); true
 * where nobody else uses the devices meanwhile.
 */
@Tag("data-path-full")
@EnabledIf("io.farwarp.rdma.verbs.VerbsUnderTest#isUsable")
final class VerbsResourcesTest {
  private static final int SESSIONS = 200;

  @TempDir Path directory;

  private static String counts() throws Exception {
    Process rdma;
    try {
      rdma = new ProcessBuilder("rdma", "resource", "show").redirectErrorStream(true).start();
    } catch (IOException e) {
      return abort("skipped: what devices hold is told by rdma (iproute2): " + e.getMessage());
    }
    String output = new String(rdma.getInputStream().readAllBytes(), UTF_8);
    assertEquals(0, rdma.waitFor(), output);
    return output;
  }

  private Connection session() throws Exception {
    Connection session = new Connection(new VerbsUnderTest(), directory, 1 << 16);
    Connection.post(session.connector, "once");
    session.pollUntil(() -> session.atAcceptor.messages.size() == 1);
    return session;
  }

  @Test
  void two_hundred_sessions_leave_nothing_on_the_device() throws Exception {
    session().close(); // A process keeps each device open that it has used.
    String before = counts();
    for (int i = 0; i < SESSIONS; i++) {
      try (Connection open = session()) {
        if (i == 0) {
          assertNotEquals(before, counts());
        }
      }
    }
    assertEquals(before, counts());
  }
}
