package io.farwarp.rdma.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

final class SharedMemoryTest {
  private static final long SIZE = 4L << 20;
  private static final long HUGE = 6L << 30;

  @Test
  void two_mappings_of_one_descriptor_share_their_pages() throws IOException {
    try (SharedMemory owner = SharedMemory.create("test", SIZE);
        SharedMemory guest = SharedMemory.open(owner.path(), SIZE)) {
      owner.segment().set(JAVA_LONG, SIZE - 8, 7);
      assertEquals(7, guest.segment().get(JAVA_LONG, SIZE - 8));
    }
  }

  @Test
  void neither_side_can_shrink_or_grow_it() throws IOException {
    try (SharedMemory owner = SharedMemory.create("test", SIZE);
        SharedMemory guest = SharedMemory.open(owner.path(), SIZE)) {
      assertThrows(ErrnoException.class, () -> Libc.ftruncate(guest.descriptor(), 4096));
      assertThrows(ErrnoException.class, () -> Libc.ftruncate(owner.descriptor(), 2 * SIZE));
    }
  }

  @Test
  void memory_without_seals_or_of_another_size_is_refused() throws IOException {
    int unsealed = Libc.memfdCreate("test", Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING);
    Libc.ftruncate(unsealed, SIZE);
    IOException seals = assertThrows(IOException.class, () -> SharedMemory.adopt(unsealed, SIZE));
    assertTrue(seals.getMessage().contains("seals"), seals.getMessage());
    try (SharedMemory owner = SharedMemory.create("test", SIZE)) {
      IOException size =
          assertThrows(IOException.class, () -> SharedMemory.open(owner.path(), 2 * SIZE));
      assertTrue(size.getMessage().contains("announced"), size.getMessage());
    }
    assertThrows(IOException.class, () -> SharedMemory.open("/dev/null", SIZE));
  }

  @Test
  void punched_memory_reads_zero_in_every_mapping() throws IOException {
    try (SharedMemory owner = SharedMemory.create("test", SIZE);
        SharedMemory guest = SharedMemory.open(owner.path(), SIZE)) {
      owner.prefault();
      owner.segment().fill((byte) 5);
      guest.punch();
      assertEquals(0, owner.segment().get(JAVA_LONG, 4096));
    }
  }

  @Test
  void sizes_need_not_be_whole_pages_and_bytes_outside_are_refused() throws IOException {
    try (SharedMemory odd = SharedMemory.create("test", 4099)) {
      odd.prefault();
      odd.segment().fill((byte) 5);
      odd.punch();
      assertEquals(4099, odd.segment().byteSize());
      assertThrows(IndexOutOfBoundsException.class, () -> odd.segment().get(JAVA_LONG, 4096));
    }
    assertThrows(IOException.class, () -> SharedMemory.create("test", 0));
    assertThrows(IOException.class, () -> SharedMemory.create("test", -1));
  }

  @Test
  void more_than_four_gigabytes_are_reached_at_both_ends() throws IOException {
    try (SharedMemory owner = SharedMemory.create("test", HUGE)) {
      owner.segment().set(JAVA_LONG, 0, 1);
      owner.segment().set(JAVA_LONG, HUGE - 8, 2);
      try (SharedMemory guest = SharedMemory.open(owner.path(), HUGE)) {
        assertEquals(1, guest.segment().get(JAVA_LONG, 0));
        assertEquals(2, guest.segment().get(JAVA_LONG, HUGE - 8));
      }
    }
  }

  @Test
  void closing_is_idempotent_and_leaves_neither_mapping_nor_descriptor() throws IOException {
    SharedMemory memory = SharedMemory.create("farwarp-closing", SIZE);
    Path descriptor = Path.of(memory.path());
    assertTrue(Files.readString(Path.of("/proc/self/maps")).contains("farwarp-closing"));
    memory.close();
    memory.close();
    assertTrue(Files.notExists(descriptor));
    assertTrue(!Files.readString(Path.of("/proc/self/maps")).contains("farwarp-closing"));
    assertThrows(IllegalStateException.class, () -> memory.segment().get(JAVA_LONG, 0));
  }

  @Test
  void a_failed_call_names_itself_and_the_errno() {
    ErrnoException failure =
        assertThrows(ErrnoException.class, () -> Libc.open("/nonexistent/file"));
    assertEquals("open: No such file or directory (errno 2)", failure.getMessage());
  }
}
