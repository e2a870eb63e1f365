package io.farwarp.rdma;

import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/** The transports of this installation, by name. */
public final class Transports {
  private Transports() {}

  /** All of them, also those that this host cannot use. */
  public static List<Transport> installed() {
    return ServiceLoader.load(Transport.class, Transports.class.getClassLoader()).stream()
        .map(ServiceLoader.Provider::get)
        .toList();
  }

  /**
   * The transport of that name.
   *
   * @throws IllegalArgumentException there is none, or this host cannot use it; lists all, with the
   *     reason why each that cannot be used is not
   */
  public static Transport named(String name) {
    List<Transport> installed = installed();
    return installed.stream()
        .filter(transport -> transport.name().equals(name))
        .filter(transport -> transport.unavailable().isEmpty())
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "no transport '%s' on this host: %s"
                    .formatted(
                        name,
                        installed.stream()
                            .map(Transports::describe)
                            .collect(Collectors.joining("; ")))));
  }

  /** Names of those that this host can use; found out once for each process. */
  public static List<String> usable() {
    return Usable.NAMES;
  }

  private static final class Usable {
    static final List<String> NAMES =
        installed().stream()
            .filter(transport -> transport.unavailable().isEmpty())
            .map(Transport::name)
            .toList();
  }

  /** Name and whether it can be used, or why not. */
  public static String describe(Transport transport) {
    return transport.name()
        + transport.unavailable().map(reason -> " unavailable: " + reason).orElse(" available");
  }
}
