package io.farwarp.rdma.verbs.disni;

import io.farwarp.rdma.provider.HostPort;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.util.Optional;

/** Addresses that rdma_cm takes from DiSNI. */
final class VerbsAddress {
  /**
   * The IPv4 address of the device that this process connects from, where the route should not
   * decide.
   */
  private static final String SOURCE_PROPERTY = "farwarp.verbs.source";

  private VerbsAddress() {}

  /** The first IPv4 address; DiSNI silently cuts others to four bytes. */
  static InetSocketAddress parse(String text) throws IOException {
    return HostPort.parse(text).resolve().stream()
        .filter(address -> address.getAddress() instanceof Inet4Address)
        .findFirst()
        .orElseThrow(
            () -> new IOException("verbs needs an IPv4 address, and '" + text + "' is none"));
  }

  static Optional<InetSocketAddress> source() throws IOException {
    String address = System.getProperty(SOURCE_PROPERTY, "");
    return address.isEmpty() ? Optional.empty() : Optional.of(parse(address + ":0"));
  }
}
