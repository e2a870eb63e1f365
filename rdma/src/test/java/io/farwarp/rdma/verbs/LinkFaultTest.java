package io.farwarp.rdma.verbs;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.farwarp.rdma.Connection;
import io.farwarp.rdma.MemoryRegion;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.RecordingHandler;
import io.farwarp.rdma.WriteStatus;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * A connection between two machines while their link is cut, and when one of them is gone. Needs
 * the two machines of {@code ci/softroce test --link}; the last test takes one away.
 */
@Tag("verbs-link")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class LinkFaultTest {
  private static final String PEER = "10.9.0.2";
  private static final int WRITE_BYTES = 64 << 10;

  /** A device tries for a while before it gives a link up. */
  private static final long PATIENCE_S = 240;

  private static Process peer;
  private static String address = "";

  private final Arena arena = Arena.ofShared();
  private final RecordingHandler received = new RecordingHandler();
  private QueuePair queuePair;
  private MemoryRegion region;
  private MemorySegment source;
  private int posted;

  @BeforeAll
  static void startPeer() throws Exception {
    assumeTrue(System.getenv("SOFTROCE_DOOR") != null, "skipped: needs ci/softroce test --link");
    peer =
        new ProcessBuilder(
                door(
                    "on",
                    "2",
                    ProcessHandle.current().info().command().orElseThrow(),
                    "-XX:TieredStopAtLevel=1",
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    LinkPeer.class.getName(),
                    PEER))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    BufferedReader lines = peer.inputReader(StandardCharsets.UTF_8);
    CompletableFuture<String> first =
        CompletableFuture.supplyAsync(() -> {
          try {
            return String.valueOf(lines.readLine());
          } catch (IOException e) {
            return e.toString();
          }
        });
    String line = first.get(PATIENCE_S, TimeUnit.SECONDS);
    assertTrue(line.startsWith(LinkPeer.LISTENING), line);
    address = line.substring(LinkPeer.LISTENING.length());
  }

  @AfterAll
  static void stopPeer() {
    if (peer != null) {
      peer.destroyForcibly();
    }
  }

  @BeforeEach
  void connect() throws Exception {
    queuePair = new VerbsTransport().connect(address, answer -> answer, Connection.TIMEOUT_NS);
    source = arena.allocate(WRITE_BYTES, 64);
    region = queuePair.register(source);
  }

  @AfterEach
  void close() throws IOException {
    if (queuePair != null) {
      queuePair.close();
    }
    arena.close();
  }

  private static List<String> door(String... request) {
    List<String> command = new ArrayList<>(List.of(System.getenv("SOFTROCE_DOOR")));
    command.addAll(List.of(request));
    return command;
  }

  private static void ask(String... request) throws Exception {
    Process asked = new ProcessBuilder(door(request)).inheritIO().start();
    if (!asked.waitFor(PATIENCE_S, TimeUnit.SECONDS) || asked.exitValue() != 0) {
      asked.destroyForcibly();
      fail("the door does not do " + List.of(request));
    }
  }

  private void postWrite() {
    if (queuePair.postWrite(
        region, 0, queuePair.remoteExposed(), 0, WRITE_BYTES, (long) posted + 1)) {
      posted++;
    }
  }

  private void pollUntil(BooleanSupplier condition) {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S);
    while (!condition.getAsBoolean()) {
      if (queuePair.poll(received, 16) == 0) {
        queuePair.await(TimeUnit.MILLISECONDS.toNanos(100));
      }
      assertTrue(System.nanoTime() - deadlineNs < 0, "did not come about in time");
    }
  }

  /** What was written before a message is there when it is answered. */
  private void assertAnswers(byte written) {
    source.set(JAVA_BYTE, 0, written);
    postWrite();
    pollUntil(() -> received.written.size() == posted || received.disconnected != null);
    int answers = received.messages.size();
    Connection.post(queuePair, "what is there?");
    pollUntil(() -> received.messages.size() > answers || received.disconnected != null);
    assertEquals(null, received.disconnected);
    assertEquals(written, received.messages.getLast()[0]);
  }

  private void assertEachEndedOnce() {
    assertEquals(posted, received.written.size());
    for (int i = 0; i < posted; i++) {
      assertEquals(i + 1, received.written.get(i).workRequestId());
    }
  }

  /** The first of them is on its way, or at least with the device, before this returns. */
  private void fillQueue() {
    int before = posted;
    do {
      postWrite();
    } while (posted < before + QueuePair.MAX_WRITES_IN_FLIGHT / 2);
  }

  @Test
  @Order(1)
  void a_link_that_is_back_after_three_seconds_costs_no_write_and_no_message() throws Exception {
    assertAnswers((byte) 'a');
    Process cut = new ProcessBuilder(door("link", "cut", "3")).inheritIO().start();
    while (cut.isAlive()) {
      postWrite();
      queuePair.poll(received, 16);
      queuePair.await(TimeUnit.MILLISECONDS.toNanos(10));
    }
    assertEquals(0, cut.exitValue());
    assertAnswers((byte) 'b');
    assertEachEndedOnce();
    assertTrue(received.written.stream().allMatch(write -> write.status() == WriteStatus.OK));
    assertTrue(queuePair.isOpen());
  }

  @Test
  @Order(2)
  void a_link_that_stays_cut_ends_every_write_once_and_the_connection_with_the_reason()
      throws Exception {
    assertAnswers((byte) 'c');
    ask("link", "down");
    try {
      assertLost();
    } finally {
      ask("link", "up");
    }
    // Another connection over the same devices is as good as any.
    queuePair.close();
    RecordingHandler afresh = new RecordingHandler();
    try (QueuePair next =
        new VerbsTransport().connect(address, answer -> answer, Connection.TIMEOUT_NS)) {
      Connection.post(next, "still there?");
      Connection.until(() -> {
        next.poll(afresh, 16);
        return !afresh.messages.isEmpty();
      });
    }
  }

  private void assertLost() {
    fillQueue();
    pollUntil(() -> received.disconnected != null);
    assertFalse(queuePair.isOpen());
    assertEquals(1, received.disconnects);
    assertNotNull(received.disconnected);
    assertTrue(received.disconnected.contains("IBV_WC_RETRY_EXC_ERR"), received.disconnected);
    assertEachEndedOnce();
    assertTrue(
        received.written.stream().skip(1).allMatch(write -> write.status() == WriteStatus.FLUSHED),
        received.written.toString());
  }

  @Test
  @Order(3)
  void a_machine_that_is_gone_ends_every_write_once_and_the_connection_with_the_reason()
      throws Exception {
    assertAnswers((byte) 'd');
    ask("off", "2");
    assertLost();
  }
}
