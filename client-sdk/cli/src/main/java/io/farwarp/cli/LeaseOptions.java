package io.farwarp.cli;

import io.farwarp.client.Device;
import io.farwarp.client.SessionOptions;
import io.farwarp.rdma.Transports;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options of every command that runs a function: on which device, over which data path. */
public final class LeaseOptions {
  private static final String VERBS = "verbs";
  private static final List<String> TRANSPORTS = List.of(SessionOptions.AUTO, "shm", VERBS, "tcp");

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  private String transport = SessionOptions.AUTO;

  @Option(
      names = "--device",
      paramLabel = "ptx|cuda|auto",
      converter = DeviceText.class,
      defaultValue = "auto",
      description =
          "ptx: a host's CPU cores; cuda: a GPU; auto: a GPU before a CPU (default: ${DEFAULT-VALUE}).")
  private Device device;

  @Option(
      names = "--transport",
      paramLabel = "shm|verbs|tcp|auto",
      defaultValue = SessionOptions.AUTO,
      description =
          "How tensors move: shm on the same host, verbs over RDMA, tcp, or the best there is (default:"
              + " ${DEFAULT-VALUE}).")
  void transport(String wanted) {
    if (!TRANSPORTS.contains(wanted)) {
      throw new ParameterException(
          spec.commandLine(),
          "--transport " + wanted + " is none of " + String.join(", ", TRANSPORTS));
    }
    transport = wanted;
  }

  public Device device() {
    return device;
  }

  public String transport() {
    return transport;
  }

  /**
   * What an agent on this host has to be told so that its workers offer the data path.
   *
   * @throws CommandException this host cannot use it
   */
  public List<String> agentArguments() {
    if (!transport.equals(VERBS)) {
      return List.of();
    }
    try {
      var _ = Transports.named(VERBS);
    } catch (IllegalArgumentException e) {
      throw new CommandException(String.valueOf(e.getMessage()), e);
    }
    return List.of("--verbs-host", "auto");
  }
}
