package io.farwarp.rdma.tcp;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.rdma.Connection;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.RecordingHandler;
import io.farwarp.rdma.provider.Greeting;
import io.farwarp.rdma.provider.HostPort;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An admitted peer that sends frames of its own making ends its session and nothing else. */
final class HostilePeerTest {
  private static final long WINDOW_BYTES = 1L << 20;

  @TempDir Path directory;
  private Connection honest;
  private TcpStream hostile;
  private long key;
  private QueuePair victim;
  private final RecordingHandler received = new RecordingHandler();

  @BeforeEach
  void connectBoth() throws Exception {
    honest = new Connection(new TcpUnderTest(), directory, WINDOW_BYTES);
    long deadlineNs = System.nanoTime() + Connection.TIMEOUT_NS;
    HostPort address = HostPort.parse(honest.listener.address());
    hostile = TcpStream.connect(address.resolve().getFirst(), deadlineNs);
    Greeting greeting = new Greeting(hostile, TcpTransport.NUMBER, deadlineNs);
    greeting.answer(challenge -> challenge);
    byte[] exposed = greeting.receiveBytes(TcpRegion.DESCRIPTOR_BYTES);
    key = ByteBuffer.wrap(exposed).order(ByteOrder.LITTLE_ENDIAN).getLong();
    greeting.sendBytes(new byte[] {TcpListener.READY});
    victim = honest.admission.nextConnected();
  }

  @AfterEach
  void honestSessionStillWorks() throws Exception {
    victim.close();
    hostile.close();
    Connection.post(honest.connector, "unharmed");
    honest.pollUntil(() -> honest.atAcceptor.messages.size() == 1);
    honest.close();
  }

  private void send(int type, long frameKey, long offset, long length, int payloadBytes)
      throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment frame = arena.allocate(Frame.HEADER_BYTES + (long) payloadBytes);
      Frame.put(frame, 0, type, frameKey, offset, length);
      frame.asSlice(Frame.HEADER_BYTES).fill((byte) 1);
      hostile.write(frame, System.nanoTime() + Connection.TIMEOUT_NS);
    }
  }

  private void pollUntilDisconnected(String reason) {
    Connection.until(() -> {
      victim.poll(received, 16);
      return received.disconnected != null;
    });
    assertTrue(received.disconnected.contains(reason), received.disconnected);
  }

  @Test
  void a_write_within_the_window_lands() throws Exception {
    send(Frame.WRITE, key, WINDOW_BYTES - 8, 8, 8);
    send(Frame.MESSAGE, 0, 0, 3, 3);
    Connection.until(() -> {
      victim.poll(received, 16);
      return received.messages.size() == 1;
    });
    long last = honest.window.segment().get(JAVA_LONG, WINDOW_BYTES - 8);
    assertEquals(0x0101010101010101L, last);
  }

  @Test
  void a_write_past_the_end_touches_nothing() throws Exception {
    send(Frame.WRITE, key, WINDOW_BYTES - 8, 16, 16);
    pollUntilDisconnected("a write of 16 bytes at 1048568 into a region of 1048576");
    assertEquals(0, honest.window.segment().get(JAVA_LONG, WINDOW_BYTES - 8));
  }

  @Test
  void negative_and_overflowing_ranges_are_refused() throws Exception {
    send(Frame.WRITE, key, Long.MAX_VALUE, 8, 8);
    pollUntilDisconnected("broke the protocol");
  }

  @Test
  void a_negative_length_is_refused() throws Exception {
    send(Frame.WRITE, key, 0, -1, 0);
    pollUntilDisconnected("broke the protocol");
  }

  @Test
  void a_key_of_another_session_or_a_guess_is_refused() throws Exception {
    byte[] others = honest.acceptor.localExposed().descriptor();
    send(Frame.WRITE, ByteBuffer.wrap(others).order(ByteOrder.LITTLE_ENDIAN).getLong(), 0, 8, 8);
    pollUntilDisconnected("a region that does not exist");
    assertEquals(0, honest.window.segment().get(JAVA_LONG, 0));
  }

  @Test
  void messages_of_no_or_too_many_bytes_are_refused() throws Exception {
    send(Frame.MESSAGE, 0, 0, Wire.MAX_MESSAGE_BYTES + 1, 2000);
    pollUntilDisconnected("a message of 1025 bytes");
  }

  @Test
  void an_unknown_frame_type_is_refused() throws Exception {
    send(77, 0, 0, 0, 0);
    pollUntilDisconnected("a frame of type 77");
  }

  @Test
  void an_endless_farewell_is_refused() throws Exception {
    send(Frame.FAREWELL, 0, 0, Long.MAX_VALUE, 100);
    pollUntilDisconnected("a farewell of");
  }

  @Test
  void a_peer_that_leaves_within_a_write_is_disconnected() throws Exception {
    send(Frame.WRITE, key, 0, WINDOW_BYTES, 100);
    hostile.close();
    pollUntilDisconnected("without a farewell");
  }

  @Test
  void noise_ends_the_session() throws Exception {
    byte[] noise = new byte[64 << 10];
    new Random(5).nextBytes(noise);
    try (Arena arena = Arena.ofConfined()) {
      hostile.write(
          arena.allocateFrom(JAVA_BYTE, noise), System.nanoTime() + Connection.TIMEOUT_NS);
    }
    pollUntilDisconnected("broke the protocol");
  }

  @Test
  void a_closed_region_takes_no_more_writes() throws Exception {
    victim.localExposed().close();
    send(Frame.WRITE, key, 0, 8, 8);
    pollUntilDisconnected("a region that does not exist or was closed");
    assertEquals(0, honest.window.segment().get(JAVA_LONG, 0));
  }
}
