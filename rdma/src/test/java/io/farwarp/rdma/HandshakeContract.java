package io.farwarp.rdma;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.farwarp.rdma.linux.SharedMemory;
import io.farwarp.rdma.provider.Acceptor;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How every transport opens a connection, with peers that misbehave while it does. */
public abstract class HandshakeContract {
  /** Every transport's preface: magic, version 1, its number. */
  private static final int PREFACE_BYTES = 8;

  private static final int SILENT_PEERS = 200;

  @TempDir Path directory;
  private SharedMemory window;
  private RecordingAdmission admission;
  private Listener listener;

  protected abstract TransportUnderTest provider();

  @BeforeEach
  void listen() throws IOException {
    window = SharedMemory.create("test-window", 1L << 20);
    admission = new RecordingAdmission(Connection.exposed(window));
    listener = Connection.listen(provider(), directory, admission);
  }

  @AfterEach
  void close() {
    listener.close();
    window.close();
  }

  private QueuePair connect(Introduction introduction) throws IOException {
    return provider().transport().connect(listener.address(), introduction, Connection.TIMEOUT_NS);
  }

  private SocketChannel raw() throws IOException {
    Optional<SocketChannel> raw = provider().raw(listener.address());
    assumeTrue(raw.isPresent(), "skipped: this transport's handshake uses no stream");
    return raw.get();
  }

  private void requireServed() throws Exception {
    connect(challenge -> challenge).close();
    admission.nextConnected().close();
  }

  @Test
  void a_refused_peer_gets_the_reply_and_no_memory() throws Exception {
    RefusedException refused =
        assertThrows(RefusedException.class, () -> connect(challenge -> "wrong".getBytes(UTF_8)));
    assertArrayEquals(RecordingAdmission.GO_AWAY, refused.reply());
    requireServed();
    assertEquals(0, admission.abandoned.get());
  }

  @Test
  void an_introduction_that_fails_gives_the_connection_up() throws Exception {
    IOException failure =
        assertThrows(
            IOException.class,
            () ->
                connect(challenge -> {
                  throw new IOException("no key");
                }));
    assertEquals("no key", failure.getMessage());
    requireServed();
  }

  @Test
  void blobs_of_the_greatest_size_pass_and_larger_ones_do_not() throws Exception {
    byte[] largest = new byte[Wire.MAX_HANDSHAKE_BYTES];
    assertThrows(RefusedException.class, () -> connect(challenge -> largest));
    byte[] tooLarge = new byte[Wire.MAX_HANDSHAKE_BYTES + 1];
    IOException failure = assertThrows(IOException.class, () -> connect(challenge -> tooLarge));
    assertTrue(failure.getMessage().contains("4097"), failure.getMessage());
    requireServed();
  }

  @Test
  void silent_peers_cost_nobody_else_the_connection() throws Exception {
    List<SocketChannel> silent = new ArrayList<>();
    try {
      for (int i = 0; i < SILENT_PEERS; i++) {
        silent.add(raw());
        if (i % 50 == 0) {
          requireServed();
        }
      }
      requireServed();
      // The oldest have gone for those who came after them.
      for (SocketChannel one : silent.subList(0, SILENT_PEERS - Acceptor.MAX_AT_ONCE)) {
        readToEnd(one);
      }
    } finally {
      for (SocketChannel one : silent) {
        one.close();
      }
    }
  }

  @Test
  void garbage_oversized_and_cut_off_handshakes_are_closed() throws Exception {
    List<byte[]> openings =
        List.of(
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(UTF_8),
            preface(0x50545746, 1, 99),
            preface(0x50545746, 2, 1),
            new byte[0]);
    for (byte[] opening : openings) {
      try (SocketChannel raw = raw()) {
        raw.write(ByteBuffer.wrap(opening));
        raw.shutdownOutput();
        readToEnd(raw);
      }
    }
    for (int length : new int[] {Wire.MAX_HANDSHAKE_BYTES + 1, Integer.MAX_VALUE, -1}) {
      try (SocketChannel raw = raw()) {
        byte[] preface = read(raw, PREFACE_BYTES);
        raw.write(ByteBuffer.wrap(preface)); // The listener's own is right for this transport.
        raw.write(blob(length, new byte[0]));
        readToEnd(raw);
      }
    }
    requireServed();
    assertEquals(0, admission.abandoned.get());
  }

  @Test
  void a_peer_that_leaves_after_admission_is_abandoned() throws Exception {
    try (SocketChannel raw = raw()) {
      answerChallenge(raw);
      assertEquals(1, read(raw, 1)[0]);
    }
    Connection.until(() -> admission.abandoned.get() == 1);
    requireServed();
  }

  private static void answerChallenge(SocketChannel raw) throws IOException {
    raw.write(ByteBuffer.wrap(read(raw, PREFACE_BYTES)));
    int length = ByteBuffer.wrap(read(raw, Integer.BYTES)).order(ByteOrder.LITTLE_ENDIAN).getInt();
    byte[] challenge = read(raw, length);
    raw.write(blob(challenge.length, challenge));
  }

  @Test
  void a_proven_peer_that_must_wait_is_not_displaced_by_silent_ones() throws Exception {
    admission.shut();
    List<SocketChannel> silent = new ArrayList<>();
    try (SocketChannel proven = raw()) {
      answerChallenge(proven);
      admission.awaitOneWaiting();
      for (int i = 0; i < Acceptor.MAX_AT_ONCE; i++) {
        silent.add(raw());
      }
      readToEnd(silent.getFirst());
      admission.open();
      assertEquals(1, read(proven, 1)[0]);
    } finally {
      admission.open();
      for (SocketChannel one : silent) {
        one.close();
      }
    }
  }

  @Test
  void closing_the_listener_ends_handshakes_and_refuses_new_ones() throws Exception {
    try (SocketChannel raw = raw();
        QueuePair established = connect(challenge -> challenge);
        QueuePair accepted = admission.nextConnected()) {
      read(raw, PREFACE_BYTES);
      listener.close();
      listener.close();
      readToEnd(raw);
      assertThrows(IOException.class, () -> connect(challenge -> challenge));
      Connection.post(established, "connections live on");
      RecordingHandler received = new RecordingHandler();
      Connection.until(() -> {
        accepted.poll(received, 1);
        return received.messages.size() == 1;
      });
    }
  }

  @Test
  void connecting_to_nobody_and_to_a_silent_listener_ends_in_time() throws Exception {
    RecordingAdmission mute = new RecordingAdmission(Connection.exposed(window));
    String address = provider().freshAddress(Files.createTempDirectory(directory, "m"));
    long timeoutNs = TimeUnit.MILLISECONDS.toNanos(300);
    try (Listener bound = provider().transport().listen(address, mute)) { // never started
      assertThrows(
          IOException.class,
          () -> provider().transport().connect(bound.address(), answer -> answer, timeoutNs));
    }
    String gone = listener.address();
    listener.close();
    assertThrows(
        IOException.class,
        () -> provider().transport().connect(gone, answer -> answer, Connection.TIMEOUT_NS));
  }

  private static byte[] preface(int magic, int version, int transport) {
    return ByteBuffer.allocate(PREFACE_BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(magic)
        .putShort((short) version)
        .putShort((short) transport)
        .array();
  }

  private static ByteBuffer blob(int length, byte[] content) {
    return ByteBuffer.allocate(Integer.BYTES + content.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(length)
        .put(content)
        .flip();
  }

  private static byte[] read(SocketChannel raw, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes);
    while (buffer.hasRemaining()) {
      if (raw.read(buffer) < 0) {
        throw new IOException("the listener closed the connection");
      }
    }
    return buffer.array();
  }

  /** Until the listener closes the connection, with or without a reset. */
  private static void readToEnd(SocketChannel raw) {
    ByteBuffer buffer = ByteBuffer.allocate(4096);
    try {
      while (raw.read(buffer.clear()) >= 0) {}
    } catch (IOException e) {
      assertTrue(
          e.getMessage().contains("reset") || e.getMessage().contains("pipe"), e.getMessage());
    }
  }
}
