package io.farwarp.rdma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class TransportsTest {
  @Test
  void providers_are_found_by_name() {
    assertEquals("shm", Transports.named("shm").name());
    assertEquals("tcp", Transports.named("tcp").name());
  }

  @Test
  void an_unknown_name_is_answered_with_what_there_is() {
    IllegalArgumentException failure =
        assertThrows(IllegalArgumentException.class, () -> Transports.named("pigeon"));
    assertTrue(failure.getMessage().contains("shm available"), failure.getMessage());
    assertTrue(failure.getMessage().contains("tcp available"), failure.getMessage());
  }
}
