package io.farwarp.rdma.verbs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.farwarp.rdma.ExposedMemory;
import io.farwarp.rdma.RecordingAdmission;
import io.farwarp.rdma.Transport;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** DiSNI and its library without a device: needs only that they were built and can be loaded. */
final class VerbsLibraryTest {
  private final VerbsTransport transport = new VerbsTransport();

  @BeforeEach
  void requireLibrary() throws IOException {
    try {
      var _ = DisniRuntime.transport();
    } catch (IOException e) {
      String reason = String.valueOf(e.getMessage());
      assumeTrue(!reason.contains("libdisni") && !reason.contains("needs"), "skipped: " + reason);
      throw e;
    }
  }

  @Test
  void disni_is_loaded_apart_and_leaves_no_file() throws Exception {
    Transport loaded = DisniRuntime.transport();
    assertEquals("disni", loaded.getClass().getClassLoader().getName());
    Path file;
    try (NativeLibrary library = NativeLibrary.unpack()) {
      assertTrue(Files.exists(library.file()));
      assertEquals(
          "rwx------",
          PosixFilePermissions.toString(Files.getPosixFilePermissions(library.file().getParent())));
      file = library.file();
    }
    assertFalse(Files.exists(file.getParent()));
  }

  @Test
  void an_address_that_disni_would_cut_off_is_refused_with_the_reason() {
    IOException failure =
        assertThrows(
            IOException.class, () -> transport.connect("[::1]:7070", answer -> answer, 1_000_000));
    assertTrue(failure.getMessage().contains("IPv4"), failure.getMessage());
  }

  @Test
  void listening_on_any_address_is_refused_with_the_reason() {
    RecordingAdmission nobody =
        new RecordingAdmission(new ExposedMemory(MemorySegment.NULL, OptionalInt.empty()));
    IOException failure =
        assertThrows(IOException.class, () -> transport.listen("0.0.0.0:0", nobody));
    assertTrue(failure.getMessage().contains("RDMA device"), failure.getMessage());
  }

  @Test
  void a_host_without_a_device_is_told_apart_from_one_without_the_library() {
    String reason = transport.unavailable().orElse("");
    assertTrue(reason.isEmpty() || reason.contains("no RDMA device"), reason);
  }
}
