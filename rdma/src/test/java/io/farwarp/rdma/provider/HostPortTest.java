package io.farwarp.rdma.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.Test;

final class HostPortTest {
  @Test
  void host_and_port_are_parsed_and_written_back() throws IOException {
    assertEquals(new HostPort("gpu-3.local", 7070), HostPort.parse("gpu-3.local:7070"));
    assertEquals(new HostPort("10.0.0.1", 0), HostPort.parse("10.0.0.1:0"));
    assertEquals(new HostPort("::1", 65535), HostPort.parse("[::1]:65535"));
    InetSocketAddress v6 = new InetSocketAddress(InetAddress.getByName("::1"), 5);
    assertEquals("[0:0:0:0:0:0:0:1]:5", HostPort.format(v6));
    assertEquals(v6, HostPort.parse(HostPort.format(v6)).resolve().getFirst());
  }

  @Test
  void malformed_addresses_are_refused() {
    for (String text : new String[] {"", "host", ":1", "host:", "host:-1", "h:65536", "::1:5"}) {
      assertThrows(IOException.class, () -> HostPort.parse(text), text);
    }
  }
}
