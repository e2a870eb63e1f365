package io.farwarp.rdma.shm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.rdma.Connection;
import io.farwarp.rdma.ExposedMemory;
import io.farwarp.rdma.Listener;
import io.farwarp.rdma.MemoryRegion;
import io.farwarp.rdma.RecordingAdmission;
import io.farwarp.rdma.linux.Libc;
import io.farwarp.rdma.linux.SharedMemory;
import io.farwarp.rdma.linux.UnixSocket;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Socket paths, and what shm alone refuses. */
final class ShmAddressTest {
  @TempDir Path directory;
  private final ShmTransport transport = new ShmTransport();
  private final RecordingAdmission admission =
      new RecordingAdmission(new ExposedMemory(MemorySegment.NULL, OptionalInt.empty()));

  private Listener listen(Path path) throws IOException {
    return transport.listen(path.toString(), admission);
  }

  @Test
  void a_path_that_a_dead_listener_left_is_taken_over() throws Exception {
    Path path = directory.resolve("socket");
    UnixSocket.listen(path.toString()).close(); // leaves the file
    assertTrue(Files.exists(path));
    try (Listener listener = listen(path)) {
      assertEquals(path.toString(), listener.address());
    }
    assertFalse(Files.exists(path));
  }

  @Test
  void a_path_in_use_and_a_file_are_left_alone() throws Exception {
    Path path = directory.resolve("socket");
    try (Listener first = listen(path)) {
      IOException failure = assertThrows(IOException.class, () -> listen(path));
      assertTrue(failure.getMessage().contains(path.toString()), failure.getMessage());
      assertTrue(Files.exists(Path.of(first.address())));
    }
    Path file = Files.writeString(directory.resolve("file"), "content");
    assertThrows(IOException.class, () -> listen(file));
    assertEquals("content", Files.readString(file));
  }

  @Test
  void closing_removes_no_file_that_took_the_path_since() throws Exception {
    Path path = directory.resolve("socket");
    Listener listener = listen(path);
    Files.move(path, directory.resolve("moved"));
    Files.writeString(path, "another's");
    listener.close();
    assertEquals("another's", Files.readString(path));
  }

  @Test
  void a_path_beyond_the_limit_of_unix_sockets_is_refused_by_name() {
    Path path = directory.resolve("x".repeat(108));
    IOException failure = assertThrows(IOException.class, () -> listen(path));
    assertTrue(failure.getMessage().contains("107"), failure.getMessage());
  }

  @Test
  void a_window_without_descriptor_is_abandoned_not_exposed() throws Exception {
    try (Listener listener = listen(directory.resolve("socket"))) {
      listener.start();
      assertThrows(
          IOException.class,
          () -> transport.connect(listener.address(), answer -> answer, Connection.TIMEOUT_NS));
      Connection.until(() -> admission.abandoned.get() == 1);
    }
  }

  @Test
  void a_listener_that_grants_unsealed_memory_is_refused() throws Exception {
    int descriptor = Libc.memfdCreate("unsealed", 3);
    Libc.ftruncate(descriptor, 4096);
    RecordingAdmission careless =
        new RecordingAdmission(
            new ExposedMemory(Arena.ofAuto().allocate(4096), OptionalInt.of(descriptor)));
    try (Listener listener = transport.listen(directory.resolve("s").toString(), careless)) {
      listener.start();
      IOException failure =
          assertThrows(
              IOException.class,
              () -> transport.connect(listener.address(), answer -> answer, Connection.TIMEOUT_NS));
      assertTrue(failure.getMessage().contains("seals"), failure.getMessage());
    } finally {
      UnixSocket.closeAll(descriptor);
    }
  }

  @Test
  void memory_of_the_connectors_own_cannot_be_imported_and_the_reason_says_so() throws Exception {
    try (Connection c = new Connection(new ShmUnderTest(), directory, 1L << 20);
        Arena arena = Arena.ofConfined()) {
      MemoryRegion own = c.connector.register(arena.allocate(64, 64));
      IOException failure =
          assertThrows(IOException.class, () -> c.acceptor.importRegion(own.descriptor()));
      assertTrue(failure.getMessage().contains("exposed window"), failure.getMessage());
    }
  }

  @Test
  void a_write_onto_itself_moves_nothing_and_completes() throws Exception {
    try (Connection c = new Connection(new ShmUnderTest(), directory, 1L << 20);
        SharedMemory second = SharedMemory.open(c.window.path(), 1L << 20)) {
      MemoryRegion region =
          c.connector.register(c.connector.remoteExposed().mapped().orElseThrow());
      assertTrue(c.connector.postWrite(region, 64, c.connector.remoteExposed(), 64, 1L << 19, 3));
      c.pollUntil(() -> c.atConnector.written.size() == 1);
      assertEquals(0, second.segment().get(JAVA_LONG, 64));
    }
  }
}
