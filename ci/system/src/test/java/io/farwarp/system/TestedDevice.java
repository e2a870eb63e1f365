package io.farwarp.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.client.Device;

/**
 * The device that the system tests lease: {@code -Dfarwarp.test.device=ptx}, or {@code cuda} on a
 * host with a GPU or with the simulated driver of {@code ci/simcuda}.
 */
final class TestedDevice {
  /** As {@code --device} takes it. */
  static final String OPTION = System.getProperty("farwarp.test.device", "ptx");

  static final Device DEVICE = of(OPTION);

  private TestedDevice() {}

  static Device of(String option) {
    return switch (option) {
      case "ptx" -> Device.PTX;
      case "cuda" -> Device.CUDA;
      default -> throw new IllegalArgumentException("no device to test: " + option);
    };
  }

  /** Whether a fault, or a kernel that does not end, takes the worker and its lease with it. */
  static boolean isLostByFaults() {
    return DEVICE == Device.CUDA;
  }

  static void assertIs(String name) {
    String cores = "PTX CPU device (no GPU)";
    if (DEVICE == Device.PTX) {
      assertEquals(cores, name);
    } else {
      assertTrue(!name.isEmpty() && !name.equals(cores), name);
    }
  }
}
