package io.farwarp.cli;

import io.farwarp.client.Device;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.SessionOptions;
import io.farwarp.rdma.Transports;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The options of every command that runs a function: on which device, how soon, over which data
 * path.
 */
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
      names = "--min-compute-capability",
      paramLabel = "X.Y",
      description = "Least compute capability of the GPU, such as 8.0; no CPU has one.")
  private @Nullable String minComputeCapability;

  @Option(
      names = "--device-name",
      paramLabel = "PATTERN",
      description =
          "What the device's name is like: * stands for any characters, ? for one; '*H100*'.")
  private @Nullable String deviceName;

  @Option(
      names = "--min-device-memory",
      paramLabel = "SIZE",
      converter = SizeText.class,
      description = "Least memory of the device, whoever holds it: 512M, 80G.")
  private @Nullable Long minDeviceMemory;

  @Option(
      names = "--priority",
      paramLabel = "0-9",
      defaultValue = "0",
      description =
          "Which of your own requests is served first: each step counts as a minute of waiting"
              + " (default: ${DEFAULT-VALUE}).")
  private int priority;

  @Option(
      names = "--preemptible",
      description =
          "The lease may be told to end when a request that is not preemptible waits for its slice.")
  private boolean preemptible;

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

  /**
   * What these options say of a lease; the rest is as {@link LeaseRequest#on} has it.
   *
   * @throws ParameterException one of them is none
   */
  public LeaseRequest request() {
    try {
      LeaseRequest request = LeaseRequest.on(device).priority(priority).preemptible(preemptible);
      if (minComputeCapability != null) {
        request = request.minComputeCapability(minComputeCapability);
      }
      if (deviceName != null) {
        request = request.deviceName(deviceName);
      }
      return minDeviceMemory == null ? request : request.minDeviceMemory(minDeviceMemory);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
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
