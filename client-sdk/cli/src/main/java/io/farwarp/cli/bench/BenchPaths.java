package io.farwarp.cli.bench;

import io.farwarp.cli.CommandException;
import io.farwarp.rdma.verbs.RdmaDevices;
import io.farwarp.rdma.verbs.VerbsTransport;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which data paths a benchmark is to take. */
final class BenchPaths {
  private static final String VERBS = "verbs";
  private static final String ALL = "all";
  private static final List<String> TAKEN = List.of("shm", "tcp", VERBS, ALL);

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  private String transport = ALL;

  @Option(
      names = "--transport",
      paramLabel = "shm|tcp|verbs|all",
      defaultValue = ALL,
      description =
          "The data path; all leaves verbs out where there is no RDMA device (default: ${DEFAULT-VALUE}).")
  void transport(String wanted) {
    if (!TAKEN.contains(wanted)) {
      throw new ParameterException(
          spec.commandLine(), "--transport " + wanted + "; it takes " + String.join(", ", TAKEN));
    }
    transport = wanted;
  }

  boolean takes(String path) {
    return transport.equals(path) || transport.equals(ALL);
  }

  /**
   * The address of the RDMA device; empty where verbs is not asked for, or not by name and there is
   * none, of which {@code progress} is told.
   *
   * @throws CommandException it is asked for by name and cannot be used
   */
  Optional<String> verbsAddress(BenchProgress progress) throws IOException {
    if (!takes(VERBS)) {
      return Optional.empty();
    }
    try {
      return Optional.of(requireVerbs());
    } catch (CommandException unusable) {
      if (transport.equals(VERBS)) {
        throw unusable;
      }
      progress.say("verbs left out: " + unusable.getMessage());
      return Optional.empty();
    }
  }

  /** The address of this host's RDMA device. */
  static String requireVerbs() throws IOException {
    Optional<String> unusable = new VerbsTransport().unavailable();
    if (unusable.isPresent()) {
      throw new CommandException(unusable.get());
    }
    return RdmaDevices.firstAddress()
        .orElseThrow(() -> new CommandException("no RDMA device has an IPv4 address"));
  }
}
