package io.farwarp.rdma.provider;

import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;

/** {@code host:port}; an IPv6 address stands in brackets. */
public record HostPort(String host, int port) {
  private static final int MAX_PORT = 65535;

  public static HostPort parse(String text) throws IOException {
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? "" : text.substring(0, colon);
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    if (host.isEmpty() || (host.contains(":") && !bracketed)) {
      throw malformed(text);
    }
    try {
      int port = Integer.parseInt(text.substring(colon + 1));
      if (port < 0 || port > MAX_PORT) {
        throw malformed(text);
      }
      return new HostPort(bracketed ? host.substring(1, host.length() - 1) : host, port);
    } catch (NumberFormatException e) {
      throw new IOException(malformed(text).getMessage(), e);
    }
  }

  private static IOException malformed(String text) {
    return new IOException(
        "'%s' is no address: host:port, port 0 to %d, an IPv6 address in brackets"
            .formatted(text, MAX_PORT));
  }

  /** Every address of the host's; asks the resolver, whose own time-out applies. */
  public List<InetSocketAddress> resolve() throws IOException {
    return List.of(InetAddress.getAllByName(host)).stream()
        .map(address -> new InetSocketAddress(address, port))
        .toList();
  }

  public static String format(InetSocketAddress address) {
    InetAddress host = address.getAddress();
    String text = host.getHostAddress();
    return (host instanceof Inet6Address ? "[" + text + "]" : text) + ":" + address.getPort();
  }
}
