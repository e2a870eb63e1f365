package io.farwarp.rdma.verbs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The RDMA devices of this host and their addresses, as sysfs shows them. */
public final class RdmaDevices {
  private static final Path DEVICES = Path.of("/sys/class/infiniband");

  /** How an IPv4 address looks among a port's GIDs. */
  private static final String IPV4_GID = "0000:0000:0000:0000:0000:ffff:";

  private static final String FIRST_PORT_GIDS = "ports/1/gids";

  private RdmaDevices() {}

  /** There is one, whether or not it can be used. */
  static boolean any() {
    String[] names = DEVICES.toFile().list();
    return names != null && names.length > 0;
  }

  /** The IPv4 address of the first device, by name, that has one. */
  public static Optional<String> firstAddress() throws IOException {
    return firstAddress("");
  }

  /**
   * The IPv4 address of a device.
   *
   * @param name of the device, as {@code ibv_devices} lists it; empty: of any
   */
  public static Optional<String> firstAddress(String name) throws IOException {
    if (!Files.isDirectory(DEVICES)) {
      return Optional.empty();
    }
    try (Stream<Path> devices = Files.list(DEVICES)) {
      return devices
          .filter(device -> name.isEmpty() || device.endsWith(name))
          .sorted()
          .flatMap(RdmaDevices::gids)
          .filter(gid -> gid.startsWith(IPV4_GID))
          .map(RdmaDevices::ipv4)
          .findFirst();
    }
  }

  private static Stream<String> gids(Path device) {
    Path entries = device.resolve(FIRST_PORT_GIDS);
    int count = 0;
    while (Files.exists(entries.resolve(Integer.toString(count)))) {
      count++;
    }
    return IntStream.range(0, count)
        .mapToObj(index -> read(entries.resolve(Integer.toString(index))));
  }

  /** Empty for an entry that is not in use, which cannot be read. */
  private static String read(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      return "";
    }
  }

  private static String ipv4(String gid) {
    String hex = gid.substring(IPV4_GID.length()).replace(":", "");
    int number = Integer.parseUnsignedInt(hex, 16);
    return "%d.%d.%d.%d"
        .formatted(number >>> 24, number >>> 16 & 255, number >>> 8 & 255, number & 255);
  }
}
