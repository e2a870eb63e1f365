package io.farwarp.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ComputeCapabilityTest {
  @Test
  void number_is_that_of_the_architecture() {
    assertEquals(90, ComputeCapability.parse("9.0"));
    assertEquals(121, ComputeCapability.parse("12.1"));
    assertEquals("9.0", ComputeCapability.text(90));
    assertEquals("12.1", ComputeCapability.text(121));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "9", "sm_90", "9.", "0.5", "9.10", "100.0", " 9.0", "-9.0", "٩.0"})
  void what_is_none_is_refused(String text) {
    assertThrows(IllegalArgumentException.class, () -> ComputeCapability.parse(text));
  }
}
