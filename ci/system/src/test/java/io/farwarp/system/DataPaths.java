package io.farwarp.system;

import io.farwarp.client.SessionOptions;
import java.time.Duration;
import java.util.stream.Stream;

/**
 * The data paths that the system tests go over: {@code -Dfarwarp.test.transports=shm,tcp}, or
 * {@code verbs} on a host with an RDMA device.
 */
final class DataPaths {
  private static final String TESTED = System.getProperty("farwarp.test.transports", "shm,tcp");

  private DataPaths() {}

  static Stream<String> tested() {
    return Stream.of(TESTED.split(","));
  }

  static SessionOptions session(String transport) {
    return SessionOptions.transport(transport).openTimeout(Patience.of(Duration.ofSeconds(10)));
  }

  /** What the agent of a test is told, so that its workers offer them. */
  static String[] agentArguments() {
    return TESTED.contains("verbs") ? new String[] {"--verbs-host", "auto"} : new String[0];
  }
}
